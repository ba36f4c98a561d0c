/** The page that shows the API's document: nothing in it comes from elsewhere, and nothing may. Design §6, security headers. */

/** Where the page's program is. */
export const PROGRAM_PATH = "/docs/scalar.js";

/** Of Scalar: what would ask another server, or show what is not there, is off. */
const CONFIGURATION = {
  theme: "default",
  withDefaultFonts: false,
  telemetry: false,
  persistAuth: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
  documentDownloadType: "direct",
  defaultOpenAllTags: true,
  orderSchemaPropertiesBy: "preserve",
};

/** The page, the same for everybody. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>DRaaS API</title>
  </head>
  <body>
    <noscript>The API's document is <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script id="api-reference" type="application/json" data-url="/openapi.json"
      data-configuration="${escaped(JSON.stringify(CONFIGURATION))}"></script>
    <script src="${PROGRAM_PATH}"></script>
  </body>
</html>
`;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // The program writes its own styles into the page. They can load nothing from elsewhere either.
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** What the page may do: run one program of ours, ask this server, and nothing else; no other page may frame it. */
export const DOCS_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY.join("; "),
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
