/** What the document says of a route that says nothing of itself: what its method and path tell. */
import type { Route } from "../options.ts";
import { type RouteDocs, type Tag, TAGS } from "../route_docs.ts";

/** A route's documentation, or what stands for it. */
export function docsOf(route: Route): RouteDocs {
  return route.docs ?? {
    id: idOf(route),
    title: route.summary,
    tag: tagOf(route.path),
    answers: { 200: "Undocumented" },
  };
}

/** `GET /api/workers/:id` → `getApiWorkersId`. */
function idOf({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const named = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return method.toLowerCase() + named.join("");
}

/** The chapter that a part of the path is named like. */
function tagOf(path: string): Tag {
  const words = path.toLowerCase().split("/");
  return TAGS.find((tag) => words.includes(tag.toLowerCase())) ?? "Operations";
}
