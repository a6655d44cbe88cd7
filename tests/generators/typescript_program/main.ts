// What a user's program looks like: it pushes a report to the service, and reads back how the contract stands.
import { Client, UnexpectedAnswer, type models } from "./typescript/index.js";

declare const process: { argv: string[]; exit(code: number): void };
const [, , baseUrl = "", token = "", text = "{}"] = process.argv;

const ids: string[] = [];
const api = new Client({
  baseUrl,
  auth: { bearer: () => token },
  headers: { "X-Request-Id": () => `program-${ids.push("") /* counts */}` },
  timeoutMs: 20_000,
  retries: 1,
});

function expect(said: boolean, what: string): void {
  if (!said) throw new Error(`not so: ${what}`);
}

const pushed = await api.pushReport({ path: { project: "shop" }, body: JSON.parse(text) as models.PushedReport });
expect(pushed.status === 201, `pushing answers ${pushed.status}`);

const listed = await api.listReports({ path: { project: "shop" }, query: { limit: 1 } });
if (listed.status !== 200) throw new Error(`listing answers ${listed.status}`);
// Narrowed by its status, the body is a page of reports and nothing else.
expect(listed.body.reports.length === 1, "one report is listed");

const missing = await api.getReport({ path: { project: "shop", run_id: "no-such-run" } });
if (missing.status !== 404 || missing.mediaType !== "application/problem+json") {
  throw new Error(`a missing report answers ${missing.status} as ${missing.mediaType}`);
}
const problem: models.Problem = missing.body;
expect(problem.status === 404, "the problem says its status");
expect(missing.headers.get("x-request-id") === "program-3", `the id is ${missing.headers.get("x-request-id")}`);

const stranger = new Client({ baseUrl, auth: { bearer: "ctr_no_such_token" } });
const refused = await stranger.listProjects();
expect(refused.status === 401, `a stranger gets ${refused.status}`);

const page = await api.getDriftHtml({ path: { project: "shop" } });
expect(page.status === 200 && page.body.includes("<html"), "the page is text");

try {
  await new Client({ baseUrl: `${baseUrl}/nowhere` }).getHealth();
  throw new Error("an answer that is not declared is given as one");
} catch (error) {
  expect(error instanceof UnexpectedAnswer && error.status === 404, String(error));
}

console.log(JSON.stringify({ project: "shop", problem: problem.title, calls: ids.length }));
