/** A kubelet's care for one container: gets its image, runs it, probes it, runs it again, ends it. */
import { ContainerConfigError, processPlan } from "./container_plan.ts";
import { ContainerProcess, type ProcessEnd, type ProcessPlan } from "./container_process.ts";
import type { ContainerHost } from "./container_host.ts";
import { ContainerImage } from "./container_image.ts";
import type { Execute } from "./container_probes.ts";
import { ContainerProbing } from "./container_probing.ts";
import { endContainer, executeBeside } from "./container_end.ts";
import { imageId } from "./image_store.ts";
import type { ContainerLog } from "./container_logs.ts";
import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  kubeTime,
  type Pod,
} from "./kube_objects.ts";
import { goDuration } from "./go_duration.ts";
import { pause } from "./pause.ts";

/** A back-off that wasn't needed for so many of its maxima begins anew. */
const RESET_AFTER_MAXIMA = 2;
const CONFIG_RETRY_MS = 500;

/** One container of a pod, from its creation to its end. */
export class ContainerWorker {
  readonly #pod: Pod;
  readonly #container: Container;
  readonly #host: ContainerHost;
  readonly #abort = new AbortController();
  readonly #image: ContainerImage;
  readonly #life: Promise<void>;
  #state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerState = {};
  #restartCount = 0;
  #isOomKilled = false;
  #backOffMs = 0;
  #process: ContainerProcess | null = null;
  #previousLog: ContainerLog | null = null;
  #plan: ProcessPlan | null = null;
  #probing: ContainerProbing | null = null;
  #ending: Promise<void> | null = null;

  constructor(pod: Pod, container: Container, host: ContainerHost) {
    this.#pod = pod;
    this.#container = container;
    this.#host = host;
    this.#image = new ContainerImage(container, host, {
      waits: (reason, message) => this.#wait(reason, message),
      says: (type, reason, message) => this.#say(type, reason, message),
    });
    this.#life = this.#live();
  }

  /** As the pod's status tells it. */
  status(): ContainerStatus {
    const { name, image } = this.#container;
    const isRunning = this.#state.running !== undefined;
    const id = this.#process ? { containerID: `containerd://${this.#process.containerId}` } : {};
    return {
      name,
      state: this.#state,
      lastState: this.#lastState,
      ready: isRunning && (this.#probing?.isReady ?? false),
      started: isRunning && (this.#probing?.isStarted ?? false),
      restartCount: this.#restartCount,
      image,
      imageID: this.#process ? imageId(image) : "",
      ...id,
    };
  }

  /** Of the newest run, or of the one that `lastState` tells of; null when there was none. */
  log(isPrevious: boolean): ContainerLog | null {
    const newest = this.#process;
    if (!isPrevious || !newest) return isPrevious ? null : newest?.log ?? null;
    const last = this.#lastState.terminated?.containerID;
    if (last === undefined) return null;
    return last === `containerd://${newest.containerId}` ? newest.log : this.#previousLog;
  }

  /** The host's id of its first process while it runs. */
  get pid(): number | null {
    return this.#process && !this.#process.isOver ? this.#process.pid : null;
  }

  /** Ends it as the kernel does when memory runs out. */
  killForMemory(): void {
    this.#isOomKilled = true;
    this.#process?.signal("SIGKILL");
  }

  /** Ends it for good, within the grace; again with a shorter one. */
  async stop(graceMs: number): Promise<void> {
    this.#abort.abort();
    await this.#end(graceMs);
    await this.#life;
  }

  async #live(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const process = await this.#begin();
      if (!process) continue;
      const end = await process.ended;
      await this.#probing?.end();
      this.#probing = null;
      this.#terminated(process, end);
      const { restartPolicy = "Always" } = this.#pod.spec;
      const isAgain = restartPolicy === "Always" ||
        (restartPolicy === "OnFailure" && end.exitCode !== 0);
      if (!isAgain || signal.aborted) return;
      await this.#backOff(end.finishedAtMs - process.startedAtMs);
    }
  }

  /** Null when it can't run now: what is wrong is in the state, and it is tried again. */
  async #begin(): Promise<ContainerProcess | null> {
    const { signal } = this.#abort;
    try {
      await this.#image.get(signal);
      if (signal.aborted) return null;
      const { image, workingDir } = this.#container;
      const { images, read, volumes, folder } = this.#host;
      const plan = await processPlan(
        this.#pod,
        this.#container,
        images.brings(image),
        read,
        volumes,
        workingDir && await isFolder(workingDir) ? workingDir : folder,
      );
      if (signal.aborted) return null;
      return this.#start(plan);
    } catch (error) {
      if (error instanceof ContainerConfigError) {
        this.#wait("CreateContainerConfigError", error.message);
        this.#say("Warning", "Failed", `Error: ${error.message}`);
        await pause(CONFIG_RETRY_MS, signal);
        return null;
      }
      if (error instanceof Deno.errors.NotFound) return this.#notStarted();
      throw error;
    }
  }

  #start(plan: ProcessPlan): ContainerProcess {
    const { name } = this.#container;
    this.#plan = plan;
    this.#say("Normal", "Created", `Created container: ${name}`);
    if (this.#process) this.#previousLog = this.#process.log;
    this.#process = new ContainerProcess(plan);
    this.#say("Normal", "Started", `Started container ${name}`);
    this.#isOomKilled = false;
    this.#state = { running: { startedAt: kubeTime(this.#process.startedAtMs) } };
    this.#probing = this.#probe();
    this.#host.changed();
    return this.#process;
  }

  /** The runtime made the container but could not run its program. */
  async #notStarted(): Promise<null> {
    const program = this.#plan?.argv[0] ?? "";
    const why = program.includes("/")
      ? `stat ${program}: no such file or directory`
      : "executable file not found in $PATH";
    const message =
      `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "${program}": ${why}`;
    this.#say("Warning", "Failed", `Error: ${message}`);
    this.#state = {
      terminated: {
        exitCode: 128,
        reason: "StartError",
        message,
        startedAt: "1970-01-01T00:00:00Z",
        finishedAt: kubeTime(),
      },
    };
    this.#host.changed();
    await this.#backOff(0);
    return null;
  }

  #terminated(process: ContainerProcess, { exitCode, finishedAtMs }: ProcessEnd): void {
    this.#state = {
      terminated: {
        exitCode,
        reason: this.#isOomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
        ...this.#messageOf(process, exitCode),
        startedAt: kubeTime(process.startedAtMs),
        finishedAt: kubeTime(finishedAtMs),
        containerID: `containerd://${process.containerId}`,
      },
    };
    this.#host.changed();
  }

  #messageOf({ log }: ContainerProcess, exitCode: number): { message?: string } {
    const { terminationMessagePolicy } = this.#container;
    if (exitCode === 0 || terminationMessagePolicy !== "FallbackToLogsOnError") return {};
    const message = log.tail();
    return message === "" ? {} : { message };
  }

  /** The first restart is at once; those that follow wait longer each time. */
  async #backOff(ranMs: number): Promise<void> {
    const { backOffBaseMs, backOffMaxMs } = this.#host;
    if (ranMs > RESET_AFTER_MAXIMA * backOffMaxMs) this.#backOffMs = 0;
    const waitMs = this.#backOffMs;
    this.#backOffMs = Math.min(waitMs * 2 || backOffBaseMs, backOffMaxMs);
    this.#lastState = this.#state;
    if (waitMs > 0) {
      const { name, namespace, uid } = this.#pod.metadata;
      const where = `container=${this.#container.name} pod=${name}_${namespace}(${uid})`;
      this.#wait("CrashLoopBackOff", `back-off ${goDuration(waitMs)} restarting failed ${where}`);
      this.#say(
        "Warning",
        "BackOff",
        `Back-off restarting failed container ${this.#container.name} in pod ${name}_${namespace}(${uid})`,
      );
      if (!await pause(waitMs, this.#abort.signal)) {
        this.#state = this.#lastState;
        return;
      }
    }
    this.#restartCount++;
  }

  #probe(): ContainerProbing {
    return new ContainerProbing(this.#container, this.#execute, {
      changed: () => this.#host.changed(),
      failed: (message) => this.#say("Warning", "Unhealthy", message),
      givesUp: (kind) => {
        const { name } = this.#container;
        const message = `Container ${name} failed ${kind} probe, will be restarted`;
        this.#say("Normal", "Killing", message);
        const { terminationGracePeriodSeconds = 30 } = this.#pod.spec;
        void this.#end(terminationGracePeriodSeconds * 1_000);
      },
    });
  }

  get #execute(): Execute {
    return (argv, timeoutMs) =>
      executeBeside(this.#process, this.#plan, argv, this.#container, this.#host, timeoutMs);
  }

  /** Ends the run there is; a second call with less time hastens the first. */
  async #end(graceMs: number): Promise<void> {
    const process = this.#process;
    if (!process || process.isOver) return;
    const probing = this.#probing?.end();
    const preStop = this.#container.lifecycle?.preStop;
    const signal = (this.#container.lifecycle?.stopSignal ?? "SIGTERM") as Deno.Signal;
    const isFirst = this.#ending === null;
    this.#ending ??= endContainer(process, { preStop, signal, graceMs, run: this.#execute });
    if (!isFirst) await pause(graceMs, AbortSignal.any([afterEnd(process)]));
    if (!isFirst) process.signal("SIGKILL");
    await this.#ending;
    await probing;
    this.#ending = null;
  }

  #wait(reason: string, message: string): void {
    this.#state = { waiting: { reason, message } };
    this.#host.changed();
  }

  #say(type: "Normal" | "Warning", reason: string, message: string): void {
    const fieldPath = `spec.containers{${this.#container.name}}`;
    this.#host.say({ type, reason, message, fieldPath });
  }
}

function afterEnd(process: ContainerProcess): AbortSignal {
  const abort = new AbortController();
  void process.ended.then(() => abort.abort());
  return abort.signal;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
