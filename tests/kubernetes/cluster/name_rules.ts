/** What names, labels and annotations may be. */
import { type FieldFault, invalidValue, required, tooLong } from "./field_faults.ts";
import type { KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";

const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035_WORDS =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const ANNOTATION_BYTES_MAX = 256 * 1024;

/** A word of a host name. */
export function dnsLabelFaults(field: string, name: string): FieldFault[] {
  if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 characters")];
  return LABEL.test(name) ? [] : [invalidValue(field, name, LABEL_WORDS)];
}

/** A host name. */
export function subdomainFaults(field: string, name: string): FieldFault[] {
  if (name.length > 253) return [invalidValue(field, name, "must be no more than 253 characters")];
  return SUBDOMAIN.test(name) ? [] : [invalidValue(field, name, SUBDOMAIN_WORDS)];
}

/** Of an object's name, labels and annotations. */
export function metadataFaults(resource: Resource, { metadata }: KubeObject): FieldFault[] {
  const { labels = {}, annotations = {} } = metadata;
  const bytes = new TextEncoder().encode(
    Object.entries(annotations).flat().join(""),
  ).length;
  return [
    ...nameFaults(resource, metadata.name),
    ...labelFaults("metadata.labels", labels),
    ...Object.keys(annotations).flatMap((name) =>
      qualifiedNameFaults("metadata.annotations", name, name.toLowerCase())
    ),
    ...(bytes > ANNOTATION_BYTES_MAX
      ? [tooLong("metadata.annotations", `may not be more than ${ANNOTATION_BYTES_MAX} bytes`)]
      : []),
  ];
}

function nameFaults({ plural }: Resource, name: string): FieldFault[] {
  const field = "metadata.name";
  if (name === "") return [required(field, "name or generateName is required")];
  if (plural === "services") {
    return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63
      ? []
      : [invalidValue(field, name, DNS_1035_WORDS)];
  }
  if (plural === "namespaces" && name.includes(".")) {
    return [invalidValue(field, name, "must not contain dots")];
  }
  const isLabel = plural === "namespaces" || plural === "statefulsets";
  return isLabel ? dnsLabelFaults(field, name) : subdomainFaults(field, name);
}

/** Of names and values of labels. */
export function labelFaults(field: string, labels: Record<string, string>): FieldFault[] {
  return Object.entries(labels).flatMap(([name, value]) => [
    ...qualifiedNameFaults(field, name, name),
    ...(value.length > 63
      ? [invalidValue(field, value, "must be no more than 63 characters")]
      : /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value)
      ? []
      : [invalidValue(field, value, VALUE_WORDS)]),
  ]);
}

function qualifiedNameFaults(field: string, shown: string, name: string): FieldFault[] {
  const parts = name.split("/");
  const own = parts.at(-1) ?? "";
  if (parts.length > 2) {
    const words =
      `a qualified name ${NAME_PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
    return [invalidValue(field, shown, words)];
  }
  if (own.length > 63) {
    return [invalidValue(field, shown, "name part must be no more than 63 characters")];
  }
  const isNamed = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(own);
  return [
    ...(parts.length === 2 && !SUBDOMAIN.test(parts[0] ?? "")
      ? [invalidValue(field, shown, `prefix part ${SUBDOMAIN_WORDS}`)]
      : []),
    ...(isNamed ? [] : [invalidValue(field, shown, `name part ${NAME_PART}`)]),
  ];
}
