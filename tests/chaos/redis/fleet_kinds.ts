/** The kinds of instances of the fleet on Redis: few and cheap, some that move with the loss of a worker. */
import { freePort } from "../../support/redis_server.ts";
import { eager, type Seat, seat } from "../seats.ts";

/** The shortest that there is, so that freezes of a worker outlast it. */
const MOVES = { onWorkerLost: "reschedule", leaseMs: 6_000 };

/** Eight instances; the last one is a real server program, which listens on a port that is free now. */
export function fleetKinds(): Seat[] {
  return [
    seat("steady", ["sleep", "1000"], { mode: "on-failure", ...eager }),
    seat("deaf", ["sh", "-c", 'trap "" TERM; exec sleep 1000'], { mode: "always", ...eager }, {
      stopGraceMs: 150,
    }),
    seat("leaver", ["sh", "-c", "exec sleep $(($$ % 3 + 1)).3"], { mode: "always", ...eager }),
    seat("crasher", ["sh", "-c", "sleep $(($$ % 4 + 1)); exit 3"], {
      mode: "on-failure",
      ...eager,
    }),
    seat("family", ["sh", "-c", "sleep 1000 & sleep 1000 & wait"], { mode: "never" }),
    seat("mover", ["sleep", "1000"], { mode: "on-failure", ...eager }, {}, MOVES),
    seat(
      "moving leaver",
      ["sh", "-c", "exec sleep $(($$ % 4 + 1))"],
      { mode: "always", ...eager },
      {},
      MOVES,
    ),
    {
      name: "stand-in",
      creation: {
        name: "stand-in",
        template: "drasi-server",
        serverConfiguration: { host: "127.0.0.1", port: freePort(), logLevel: "info" },
        restartPolicy: { mode: "on-failure", ...eager },
      },
      change: (count) => ({ logLevel: count % 2 === 0 ? "info" : "warn" }),
    },
  ];
}
