/** What is put into a container before its start, as the tar that a daemon takes it in. */
// @ts-types="./tar_stream.d.ts"
import { pack } from "tar-stream";
// @ts-types="./dockerode.d.ts"
import type { Archive } from "dockerode";
import type { ContainerContent } from "./container_engine.ts";

/** Who the image's user is only the daemon knows; in a container there is nobody else. */
const FOR_ALL_TO_WRITE = 0o777;
const FOR_ALL_TO_READ = 0o444;
/** Of folders that are not there yet: the daemon makes them by itself, and leaves others as they are. */
const EPOCH = new Date(0);

export function archiveOf({ files, writable }: ContainerContent): Archive {
  const archive = pack();
  for (const path of writable) {
    const header = { type: "directory", mode: FOR_ALL_TO_WRITE, mtime: EPOCH } as const;
    archive.entry({ name: `${inRoot(path)}/`, ...header });
  }
  for (const { path, content } of files) {
    archive.entry({ name: inRoot(path), mode: FOR_ALL_TO_READ, mtime: EPOCH }, content);
  }
  archive.finalize();
  return archive;
}

function inRoot(path: string): string {
  return path.replace(/^\/+/, "");
}
