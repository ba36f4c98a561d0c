/** A kubelet's care for one container: gets its image, runs it, probes it, runs it again, ends it. */
import {
  ContainerConfigError,
  processPlan,
  type ReadSource,
  type VolumeFolders,
} from "./container_plan.ts";
import { ContainerProcess, type ProcessEnd, type ProcessPlan } from "./container_process.ts";
import { type Execute, probeOnce, RepeatedProbe } from "./container_probes.ts";
import { endContainer, executeBeside } from "./container_end.ts";
import type { EventNote } from "./event_recorder.ts";
import { ImageError, imageId, type ImageStore } from "./image_store.ts";
import type { ContainerLog } from "./container_logs.ts";
import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  kubeTime,
  type Pod,
  type Probe,
} from "./kube_objects.ts";
import { goDuration } from "./go_duration.ts";
import { pause } from "./pause.ts";

/** What the node gives to a container. */
export interface ContainerHost {
  images: ImageStore;
  read: ReadSource;
  volumes: VolumeFolders;
  /** The process's working folder. */
  folder: string;
  backOffBaseMs: number;
  backOffMaxMs: number;
  say(note: EventNote): void;
  /** Something of the status is other than it was. */
  changed(): void;
}

/** A back-off that wasn't needed for so many of its maxima begins anew. */
const RESET_AFTER_MAXIMA = 2;
const CONFIG_RETRY_MS = 500;

/** One container of a pod, from its creation to its end. */
export class ContainerWorker {
  readonly #pod: Pod;
  readonly #container: Container;
  readonly #host: ContainerHost;
  readonly #abort = new AbortController();
  readonly #life: Promise<void>;
  #state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerState = {};
  #restartCount = 0;
  #isStarted = false;
  #isReady = false;
  #isOomKilled = false;
  #backOffMs = 0;
  #process: ContainerProcess | null = null;
  #previousLog: ContainerLog | null = null;
  #plan: ProcessPlan | null = null;
  #probes: RepeatedProbe[] = [];
  #ending: Promise<void> | null = null;

  constructor(pod: Pod, container: Container, host: ContainerHost) {
    this.#pod = pod;
    this.#container = container;
    this.#host = host;
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
      ready: isRunning && this.#isReady,
      started: isRunning && this.#isStarted,
      restartCount: this.#restartCount,
      image,
      imageID: this.#process ? imageId(image) : "",
      ...id,
    };
  }

  /** Of this run, or of the one before it; null when there was none. */
  log(isPrevious: boolean): ContainerLog | null {
    if (isPrevious) return this.#previousLog;
    return this.#process?.log ?? null;
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
      await this.#endProbes();
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
      await this.#getImage();
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
        this.#warn("Failed", `Error: ${error.message}`);
        await pause(CONFIG_RETRY_MS, signal);
        return null;
      }
      if (error instanceof ImageError) return this.#imageFailed(error);
      if (error instanceof Deno.errors.NotFound) return this.#notStarted();
      throw error;
    }
  }

  async #getImage(): Promise<void> {
    const { image, imagePullPolicy = "IfNotPresent" } = this.#container;
    const { images } = this.#host;
    images.check(image, imagePullPolicy);
    if (images.isPresent(image) && imagePullPolicy !== "Always") {
      this.#tell("Pulled", `Container image "${image}" already present on machine`);
      return;
    }
    this.#tell("Pulling", `Pulling image "${image}"`);
    const began = performance.now();
    await images.pull(image, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    const took = `${Math.round(performance.now() - began)}ms`;
    this.#tell(
      "Pulled",
      `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: 1024 bytes.`,
    );
  }

  async #imageFailed({ reason, message }: ImageError): Promise<null> {
    const { image } = this.#container;
    if (reason === "ErrImagePull") {
      this.#warn("Failed", `Failed to pull image "${image}": ${message}`);
    } else {
      this.#warn(reason === "InvalidImageName" ? "InspectFailed" : reason, message);
    }
    this.#warn("Failed", `Error: ${reason}`);
    this.#wait(reason, message);
    const { backOffBaseMs, backOffMaxMs } = this.#host;
    this.#backOffMs = Math.min(this.#backOffMs * 2 || backOffBaseMs, backOffMaxMs);
    if (reason !== "ErrImagePull") {
      await pause(this.#backOffMs, this.#abort.signal);
      return null;
    }
    await pause(this.#backOffMs / 5, this.#abort.signal);
    if (this.#abort.signal.aborted) return null;
    this.#host.say({
      type: "Normal",
      reason: "BackOff",
      message: `Back-off pulling image "${image}"`,
      fieldPath: this.#fieldPath,
    });
    this.#warn("Failed", "Error: ImagePullBackOff");
    const why = `Back-off pulling image "${image}": ErrImagePull: ${message}`;
    this.#wait("ImagePullBackOff", why);
    await pause(this.#backOffMs, this.#abort.signal);
    return null;
  }

  #start(plan: ProcessPlan): ContainerProcess {
    const { name } = this.#container;
    this.#plan = plan;
    this.#tell("Created", `Created container: ${name}`);
    if (this.#process) this.#previousLog = this.#process.log;
    this.#process = new ContainerProcess(plan);
    this.#tell("Started", `Started container ${name}`);
    this.#isOomKilled = false;
    this.#isStarted = !this.#container.startupProbe;
    this.#isReady = this.#isStarted && !this.#container.readinessProbe;
    this.#state = { running: { startedAt: kubeTime(this.#process.startedAtMs) } };
    this.#beginProbes(this.#process);
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
    this.#warn("Failed", `Error: ${message}`);
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
    this.#isReady = this.#isStarted = false;
    this.#state = {
      terminated: {
        exitCode,
        reason: this.#isOomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
        startedAt: kubeTime(process.startedAtMs),
        finishedAt: kubeTime(finishedAtMs),
        containerID: `containerd://${process.containerId}`,
      },
    };
    this.#host.changed();
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
      this.#warn(
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

  #beginProbes(process: ContainerProcess): void {
    const { startupProbe } = this.#container;
    if (startupProbe) {
      this.#repeat("Startup", startupProbe, process, (verdict) => {
        if (verdict !== "success" || this.#isStarted) return;
        this.#isStarted = true;
        this.#isReady = !this.#container.readinessProbe;
        this.#beginLaterProbes(process);
        this.#host.changed();
      });
    } else this.#beginLaterProbes(process);
  }

  #beginLaterProbes(process: ContainerProcess): void {
    const { readinessProbe, livenessProbe } = this.#container;
    if (livenessProbe) this.#repeat("Liveness", livenessProbe, process, () => {});
    if (!readinessProbe) return;
    this.#repeat("Readiness", readinessProbe, process, (verdict) => {
      if (verdict === null || this.#isReady === (verdict === "success")) return;
      this.#isReady = verdict === "success";
      this.#host.changed();
    });
  }

  #repeat(
    kind: "Startup" | "Readiness" | "Liveness",
    probe: Probe,
    process: ContainerProcess,
    told: (verdict: "success" | "failure" | null) => void,
  ): void {
    const once = () => probeOnce(probe, this.#container, this.#execute);
    let isDone = false;
    this.#probes.push(
      new RepeatedProbe(probe, once, (verdict, { isOk, message }) => {
        if (isDone || process.isOver || this.#ending) return;
        if (!isOk) this.#warn("Unhealthy", `${kind} probe failed: ${message}`);
        told(verdict);
        isDone = kind === "Startup" && verdict === "success";
        if (verdict !== "failure" || kind === "Readiness") return;
        isDone = true;
        const { name } = this.#container;
        this.#tell(
          "Killing",
          `Container ${name} failed ${kind.toLowerCase()} probe, will be restarted`,
        );
        const { terminationGracePeriodSeconds = 30 } = this.#pod.spec;
        void this.#end(terminationGracePeriodSeconds * 1_000);
      }),
    );
  }

  get #execute(): Execute {
    return (argv, timeoutMs) =>
      executeBeside(this.#process, this.#plan, argv, this.#container, this.#host, timeoutMs);
  }

  async #endProbes(): Promise<void> {
    const probes = this.#probes;
    this.#probes = [];
    await Promise.all(probes.map((probe) => probe.end()));
  }

  /** Ends the run there is; a second call with less time hastens the first. */
  async #end(graceMs: number): Promise<void> {
    const process = this.#process;
    if (!process || process.isOver) return;
    const preStop = this.#container.lifecycle?.preStop;
    const signal = (this.#container.lifecycle?.stopSignal ?? "SIGTERM") as Deno.Signal;
    const isFirst = this.#ending === null;
    this.#ending ??= endContainer(process, { preStop, signal, graceMs, run: this.#execute });
    if (!isFirst) await pause(graceMs, AbortSignal.any([afterEnd(process)]));
    if (!isFirst) process.signal("SIGKILL");
    await this.#ending;
    this.#ending = null;
  }

  #wait(reason: string, message: string): void {
    this.#state = { waiting: { reason, message } };
    this.#host.changed();
  }

  #tell(reason: string, message: string): void {
    this.#host.say({ type: "Normal", reason, message, fieldPath: this.#fieldPath });
  }

  #warn(reason: string, message: string): void {
    this.#host.say({ type: "Warning", reason, message, fieldPath: this.#fieldPath });
  }

  get #fieldPath(): string {
    return `spec.containers{${this.#container.name}}`;
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
