/** A supervisord of its own for a benchmark: a temporary configuration, spoken to over XML-RPC, as `supervisorctl` does. */
import { freePort } from "../tests/support/redis_server.ts";
import type { Contestant } from "./supervisord_figures.ts";

const LIMIT_MS = 15_000;
const GROUP = "bench";

export class Supervisord implements Contestant {
  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly url: string,
  ) {}

  /** With `programs` times `program`, none of them started; its settings are its defaults where none is named. */
  static async start(
    folder: string,
    program: readonly string[],
    programs: number,
  ): Promise<Supervisord> {
    const own = `${folder}/supervisord`;
    await Deno.mkdir(own);
    const port = freePort();
    await Deno.writeTextFile(`${own}/conf`, configuration(own, port, program, programs));
    const child = new Deno.Command("supervisord", {
      args: ["--nodaemon", "--configuration", `${own}/conf`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const supervisord = new Supervisord(child, `http://127.0.0.1:${port}/RPC2`);
    await supervisord.answers();
    return supervisord;
  }

  startAll(): Promise<void> {
    return this.call("startProcessGroup", GROUP);
  }

  stopAll(): Promise<void> {
    return this.call("stopProcessGroup", GROUP);
  }

  startOne(): Promise<void> {
    return this.call("startProcess", `${GROUP}:p0`);
  }

  stopOne(): Promise<void> {
    return this.call("stopProcess", `${GROUP}:p0`);
  }

  /** It stops its programs before it ends. */
  async close(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.status;
  }

  /** Asks and waits for the answer, which comes when the programs count as started or stopped. */
  private async call(method: string, name: string): Promise<void> {
    const value = `<value><string>${name}</string></value>`;
    const body = `<?xml version="1.0"?><methodCall><methodName>supervisor.${method}</methodName>` +
      `<params><param>${value}</param></params></methodCall>`;
    const answer = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "text/xml" },
      body,
    });
    const text = await answer.text();
    if (!answer.ok || text.includes("<fault>")) throw new Error(`${method}: ${text}`);
  }

  private async answers(): Promise<void> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      try {
        return await this.call("getProcessInfo", `${GROUP}:p0`);
      } catch (error) {
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

function configuration(
  folder: string,
  port: number,
  program: readonly string[],
  programs: number,
): string {
  return `[supervisord]
logfile=${folder}/log
pidfile=${folder}/pid
childlogdir=${folder}

[inet_http_server]
port=127.0.0.1:${port}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[program:${GROUP}]
command=${program.map(quoted).join(" ")}
process_name=p%(process_num)d
numprocs=${programs}
autostart=false
autorestart=false
redirect_stderr=true
stdout_logfile=${folder}/%(process_num)d.log
`;
}

/** As its parser, a shell's, wants it. */
function quoted(word: string): string {
  return `'${word}'`;
}
