import createFetchClient, { type Client as FetchClient, type Middleware } from "openapi-fetch";

/** Status codes by class: those that IANA lists, and those that proxies are known to give. */
type Statuses = {
  1: 100 | 101 | 102 | 103;
  2: 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226;
  3: 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308;
  4:
    | 400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414 | 415 | 416 | 417 | 418
    | 419 | 421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451 | 499;
  5: 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511 | 520 | 521 | 522 | 523 | 524;
};

/** The statuses of a class (`2XX`, or any of them for `default`) that have no entry of their own. */
export type StatusOf<Class extends keyof Statuses, Declared extends number = never> = Exclude<Statuses[Class], Declared>;

/** One declared answer: `status` and `mediaType` tell which, and with it the type of `body`. */
export interface Answer<Status extends number, MediaType extends string | undefined, Body> {
  readonly status: Status;
  readonly mediaType: MediaType;
  readonly body: Body;
  readonly headers: Headers;
  /** The answer as it came; its body is taken already, unless `body` is the stream itself. */
  readonly response: Response;
}

/** What a body without a schema that says more may be sent as. */
export type Binary = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | string;

/** `image/*`, as far as a type can say it. */
export type MediaTypeOf<Type extends string> = `${Type}/${string}`;

type Kind = "json" | "text" | "form" | "multipart" | "binary" | "stream";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "querystring" | "header" | "cookie";
  readonly style: string;
  readonly explode?: true;
  /** Written by its media type, not by its style. */
  readonly content?: "json" | "form" | "text";
  readonly allowReserved?: true;
}

export interface Encoding {
  readonly contentType?: string;
  readonly style?: string;
  readonly explode?: boolean;
}

export interface Body {
  readonly kind: Kind;
  readonly encoding?: { readonly [property: string]: Encoding };
}

/** What is declared of an operation, as far as sending it and reading its answer need it. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: { readonly [mediaType: string]: Body };
  readonly answers: { readonly [status: string]: { readonly [mediaType: string]: Kind } };
  /** Parameters of the next page, and where its answer says them. */
  readonly next?: readonly { readonly in: Parameter["in"]; readonly name: string; readonly expression: string }[];
  /** Alternatives, each with the schemes that it needs together. */
  readonly security?: readonly (readonly string[])[];
}

export interface SecurityScheme {
  readonly type: "bearer" | "basic" | "header" | "query" | "cookie";
  readonly name?: string;
}

type Later<T> = T | (() => T | Promise<T>);

export interface Options<Header extends string, Scheme extends string> {
  /** Where the API lies, the path of its server included: `https://api.example.com/v1`. */
  readonly baseUrl: string;
  /** Credentials by security scheme: a token, or `user:password` for HTTP Basic. */
  readonly auth?: { readonly [Name in Scheme]?: Later<string> };
  /**
   * Headers that every request carries, a function being asked each time: the tenant, an id of the request. A header
   * parameter that is named here need not be given to the operations that require it.
   */
  readonly headers?: { readonly [Name in Header]: Later<string> };
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Milliseconds that one try may take. */
  readonly timeoutMs?: number;
  /** Further tries of an idempotent request (RFC 9110, 9.2.2) that no answer came to, or 429, 502, 503 or 504. */
  readonly retries?: number;
  readonly credentials?: "omit" | "same-origin" | "include";
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: { readonly [name: string]: string };
  readonly timeoutMs?: number;
  readonly retries?: number;
}

type Given<Wanted, Header extends string> = Wanted extends { readonly header: infer Headers }
  ? Omit<Wanted, "header"> &
      ({} extends Omit<Headers, Header>
        ? { readonly header?: Partial<Headers> }
        : { readonly header: Omit<Headers, Header> & Partial<Headers> })
  : never;

/** The arguments of an operation that requires headers: those that the client has anyway need not be given. */
export type Call<Wanted, Header extends string> =
  {} extends Given<Wanted, Header>
    ? [args?: Given<Wanted, Header>, options?: CallOptions]
    : [args: Given<Wanted, Header>, options?: CallOptions];

/** An answer that the document does not declare: its status, its media type, or a body that is not of that type. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";
  readonly operation: string;
  readonly status: number;
  readonly response: Response;
  readonly text: string;

  constructor(operation: string, reason: string, response: Response, text: string) {
    super(`${operation}: ${reason}`);
    this.operation = operation;
    this.status = response.status;
    this.response = response;
    this.text = text;
  }
}

type Values = { readonly [name: string]: unknown };

export interface Arguments {
  readonly path?: object;
  readonly query?: object;
  readonly querystring?: unknown;
  readonly header?: object;
  readonly cookie?: object;
  readonly contentType?: string;
  readonly body?: unknown;
}

const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"]);
const BUSY = new Set([429, 502, 503, 504]);

export class Caller<Paths extends {}, Header extends string, Scheme extends string> {
  readonly #options: Options<Header, Scheme>;
  readonly #schemes: { readonly [name: string]: SecurityScheme };
  readonly #client: FetchClient<Paths>;
  /** Answers other than 2xx, whose bodies openapi-fetch takes as it likes. */
  readonly #kept = new WeakMap<object, Response>();

  constructor(options: Options<Header, Scheme>, schemes: { readonly [name: string]: SecurityScheme }) {
    this.#options = options;
    this.#schemes = schemes;
    this.#client = createFetchClient<Paths>({
      baseUrl: options.baseUrl,
      ...(options.fetch && { fetch: options.fetch }),
      ...(options.credentials && { credentials: options.credentials }),
    });
    this.#client.use({
      onResponse: ({ response, params }) => {
        if (!response.ok) this.#kept.set(params, response.clone());
        return undefined;
      },
    });
  }

  /** The client of openapi-fetch below, typed by path: for what the methods do not offer. */
  get raw(): FetchClient<Paths> {
    return this.#client;
  }

  /** Adds middleware of openapi-fetch, which sees each request and each answer. */
  use(...middleware: Middleware[]): void {
    this.#client.use(...middleware);
  }

  /** With `url`, that of a page that an answer led to, nothing is asked of the path and the query. */
  async call(operation: Operation, args: Arguments = {}, options: CallOptions = {}, url?: string): Promise<unknown> {
    let tries = IDEMPOTENT.has(operation.method) ? (options.retries ?? this.#options.retries ?? 0) : 0;
    if (args.body instanceof ReadableStream) tries = 0;
    for (let tried = 0; ; tried++) {
      let response: Response;
      try {
        response = await this.#send(operation, args, options, url);
      } catch (error) {
        if (tried >= tries || options.signal?.aborted) throw error;
        await pause(200 * 2 ** tried, options.signal);
        continue;
      }
      if (tried >= tries || !BUSY.has(response.status)) return await read(operation, response);
      drop(response);
      const asked = Number(response.headers.get("retry-after") ?? Number.NaN);
      await pause(asked >= 0 ? Math.min(asked, 30) * 1000 : 200 * 2 ** tried, options.signal);
    }
  }

  async #send(operation: Operation, args: Arguments, options: CallOptions, url?: string): Promise<Response> {
    const headers: { [name: string]: string } = {};
    // Some documents write a query into the template (`/responses?beta=true`).
    const [template = "", ...fixed] = operation.path.split("?");
    const query: string[] = fixed;
    const cookies: string[] = [];
    const accept = [...new Set(Object.values(operation.answers).flatMap((each) => Object.keys(each)))];
    if (accept.length > 0) headers["accept"] = accept.join(", ");
    const given: Values = this.#options.headers ?? {};
    for (const name of Object.keys(given)) headers[name.toLowerCase()] = await later(given[name] as Later<string>);
    await this.#authorize(operation, headers, query, cookies);
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in === "path") continue;
      const values: Values =
        parameter.in === "querystring" ? { [parameter.name]: args.querystring } : ((args[parameter.in] ?? {}) as Values);
      const value = Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined;
      if (value === undefined) continue;
      const written = write(parameter, value);
      if (parameter.in === "header") headers[parameter.name.toLowerCase()] = written.join(",");
      else if (parameter.in === "cookie") cookies.push(...written);
      else query.push(...written);
    }
    if (cookies.length > 0) headers["cookie"] = cookies.join("; ");
    const body = encode(operation, args, headers);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value;
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const signals = [
      ...(options.signal ? [options.signal] : []),
      ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)]),
    ];
    const path = (args.path ?? {}) as Values;
    const params = { path, query: args.query ?? {}, header: headers };
    const request = this.#client.request as unknown as (
      method: string,
      path: string,
      init: object,
    ) => Promise<{ response: Response }>;
    const { response } = await request(operation.method, template, {
      params,
      parseAs: "stream",
      pathSerializer: (made: string) => url ?? fill(made, operation, path),
      querySerializer: () => (url === undefined ? query.join("&") : ""),
      ...(body !== undefined && { body, bodySerializer: (value: unknown) => value }),
      ...(body instanceof ReadableStream && { duplex: "half" }),
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
      // A redirection that is declared is an answer; browsers do not show it, and it is told as one without a status.
      ...(Object.keys(operation.answers).some((key) => /^3(0[1-378]|XX)$/.test(key)) && { redirect: "manual" }),
    });
    return this.#kept.get(params) ?? response;
  }

  async #authorize(
    operation: Operation,
    headers: { [name: string]: string },
    query: string[],
    cookies: string[],
  ): Promise<void> {
    const auth = (this.#options.auth ?? {}) as { readonly [name: string]: Later<string> | undefined };
    const chosen = operation.security?.find((all) => all.every((name) => Object.hasOwn(auth, name)));
    for (const name of chosen ?? []) {
      const scheme = this.#schemes[name];
      const secret = auth[name];
      if (scheme === undefined || secret === undefined) continue;
      const value = await later(secret);
      const field = scheme.name ?? "";
      if (scheme.type === "bearer") headers["authorization"] = `Bearer ${value}`;
      else if (scheme.type === "basic") headers["authorization"] = `Basic ${base64(value)}`;
      else if (scheme.type === "header") headers[field.toLowerCase()] = value;
      else if (scheme.type === "query") query.push(`${quote(field)}=${quote(value)}`);
      else cookies.push(`${field}=${value}`);
    }
  }
}

/** The answers of this page and all that follow; one that is no success is the last. */
export async function* pages(
  caller: { call(operation: Operation, args?: Arguments, options?: CallOptions, url?: string): Promise<unknown> },
  operation: Operation,
  args: Arguments = {},
  options: CallOptions = {},
): AsyncGenerator<unknown, void, undefined> {
  let step: Step | undefined = { args };
  while (step !== undefined) {
    const answer = (await caller.call(operation, step.args, options, step.url)) as Answer<number, string, unknown>;
    yield answer;
    step = answer.status < 400 ? following(operation, step, answer) : undefined;
  }
}

interface Step {
  readonly args: Arguments;
  readonly url?: string;
}

/** What the next page is asked with; nothing after the last one. */
function following(operation: Operation, { args }: Step, answer: Answer<number, string, unknown>): Step | undefined {
  const place = `${operation.method} ${operation.path}`;
  const { response } = answer;
  let next = args;
  for (const link of operation.next ?? []) {
    const value = evaluated(link.expression, answer);
    if (value === undefined || value === null || value === "") return undefined;
    if (link.in === "querystring") return undefined;
    const given = (args[link.in] ?? {}) as Values;
    if (JSON.stringify(given[link.name]) === JSON.stringify(value)) {
      throw new UnexpectedAnswer(place, "the next page is the same page", response, "");
    }
    next = { ...next, [link.in]: { ...next[link.in], [link.name]: value } };
  }
  if (operation.next !== undefined) return { args: next };
  for (const [, target = "", parameters = ""] of (answer.headers.get("link") ?? "").matchAll(LINK)) {
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))/i.exec(parameters);
    if (!(relation?.[1] ?? relation?.[2] ?? "").toLowerCase().split(/\s+/).includes("next")) continue;
    const url = new URL(target, response.url);
    // The credentials are not for others.
    if (url.origin !== new URL(response.url).origin) {
      throw new UnexpectedAnswer(place, "Link leads to another origin", response, "");
    }
    if (url.href === response.url) throw new UnexpectedAnswer(place, "Link leads to itself", response, "");
    return { args, url: url.href };
  }
  return undefined;
}

/** `<target>; rel=…` as often as it stands there (RFC 8288, 3). */
const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^",;]*))?)*)/g;

/** What a runtime expression stands for (OpenAPI 3.1, 4.8.20.3); nothing where the answer does not say it. */
function evaluated(expression: string, answer: Answer<number, string, unknown>): unknown {
  const rest = expression.slice("$response.".length);
  if (rest.startsWith("header.")) return answer.headers.get(rest.slice("header.".length)) ?? undefined;
  let value: unknown = answer.body;
  for (const token of rest.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Values)[name];
  }
  return value;
}

async function later(value: Later<string>): Promise<string> {
  return typeof value === "function" ? await value() : value;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}

// --- what is sent ----------------------------------------------------------------------------------------------------

const RESERVED = /%(3A|2F|3F|23|5B|5D|40|21|24|26|27|28|29|2A|2B|2C|3B|3D)/g;
const DELIMITERS: { readonly [style: string]: string } = { spaceDelimited: "%20", pipeDelimited: "%7C" };

/** Percent-encoded, all but what is unreserved (RFC 3986, 2.3). */
function quote(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  return typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? "");
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A value in the style of its parameter (OpenAPI 3.1, 4.8.12.2): one text, or one `name=text` for each field. */
function write(parameter: Parameter, value: unknown): string[] {
  const fields = parameter.in === "query" || parameter.in === "querystring" || parameter.in === "cookie";
  const raw = parameter.in === "header" || parameter.in === "cookie";
  const quoted = (each: unknown): string => {
    if (raw) return text(each);
    const made = quote(text(each));
    return parameter.allowReserved ? made.replace(RESERVED, (_, code) => String.fromCharCode(parseInt(code, 16))) : made;
  };
  const name = fields ? quote(parameter.name).replace(/%5B/g, "[").replace(/%5D/g, "]") : parameter.name;
  const { style, explode } = parameter;
  if (parameter.content !== undefined) {
    if (parameter.content === "form" && isObject(value)) return writeForm(value, {}).split("&");
    const made = quoted(parameter.content === "json" ? JSON.stringify(value) : value);
    return [parameter.in === "querystring" || !fields ? made : `${name}=${made}`];
  }
  let joined: string;
  if (Array.isArray(value)) {
    const texts = value.map(quoted);
    if (fields) {
      if (explode || style === "deepObject") return texts.map((each) => `${name}=${each}`);
      return [`${name}=${texts.join(DELIMITERS[style] ?? ",")}`];
    }
    if (style === "matrix" && explode) return [texts.map((each) => `;${name}=${each}`).join("")];
    joined = texts.join(style === "label" && explode ? "." : ",");
  } else if (isObject(value)) {
    const pairs = Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .flatMap(([key, each]) =>
        (style === "deepObject" && Array.isArray(each) ? each : [each]).map((one) => [quoted(key), quoted(one)] as const),
      );
    if (style === "deepObject") return pairs.map(([key, each]) => `${name}[${key}]=${each}`);
    if (explode) {
      const made = pairs.map(([key, each]) => `${key}=${each}`);
      if (fields) return made;
      if (style === "label") return [`.${made.join(".")}`];
      return [style === "matrix" ? `;${made.join(";")}` : made.join(",")];
    }
    joined = pairs.flat().join(DELIMITERS[style] ?? ",");
    if (fields) return [`${name}=${joined}`];
  } else {
    joined = quoted(value);
    if (fields) return [`${name}=${joined}`];
  }
  return [style === "label" ? `.${joined}` : style === "matrix" ? `;${name}=${joined}` : joined];
}

function fill(url: string, operation: Operation, values: Values): string {
  let made = url;
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in !== "path") continue;
    const value = Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined;
    if (value === undefined || value === null) {
      throw new TypeError(`${operation.method} ${operation.path}: the path needs \`${parameter.name}\``);
    }
    made = made.split(`{${parameter.name}}`).join(write(parameter, value)[0] ?? "");
  }
  return made;
}

function encode(operation: Operation, args: Arguments, headers: { [name: string]: string }): unknown {
  const declared = Object.entries(operation.body ?? {});
  if (args.body === undefined || declared.length === 0) return undefined;
  const type = args.contentType ?? declared[0]?.[0] ?? "";
  const { kind, encoding } = operation.body?.[type] ??
    declared.find(([each]) => covers(each, type))?.[1] ?? { kind: "binary", encoding: undefined };
  if (kind === "multipart") return multipart(args.body as Values, encoding ?? {});
  headers["content-type"] = type;
  if (kind === "json") return JSON.stringify(args.body);
  if (kind === "form") return writeForm(args.body as Values, encoding ?? {});
  return kind === "text" ? text(args.body) : args.body;
}

function covers(range: string, type: string): boolean {
  const bare = (type.split(";")[0] ?? "").trim().toLowerCase();
  const known = (range.split(";")[0] ?? "").trim();
  return known === bare || known === "*/*" || (known.endsWith("/*") && bare.startsWith(known.slice(0, -1)));
}

/** The fields of a form; a property with a style is written as a query parameter is (OpenAPI 3.1, 4.8.15.1.2). */
function writeForm(values: Values, encoding: { readonly [property: string]: Encoding }): string {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const { style, explode } = encoding[name] ?? {};
    if (style !== undefined || explode !== undefined) {
      const exploded = explode ?? (style === undefined || style === "form");
      fields.push(...write({ name, in: "query", style: style ?? "form", ...(exploded && { explode: true }) }, value));
      continue;
    }
    for (const each of Array.isArray(value) ? value : [value]) fields.push(`${quote(name)}=${quote(text(each))}`);
  }
  return fields.join("&");
}

/** One part a property, several for an array (RFC 7578, 4.3). */
function multipart(values: Values, encoding: { readonly [property: string]: Encoding }): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const listed = (encoding[name]?.contentType ?? "").split(",")[0]?.trim() ?? "";
    const type = listed.includes("*") ? "application/octet-stream" : listed;
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each instanceof Blob) {
        const file = each instanceof File ? each.name : name;
        form.append(name, each.type === "" && type !== "" ? new Blob([each], { type }) : each, file);
      } else if (type !== "" || isObject(each) || Array.isArray(each)) {
        const json = typeof each !== "string" || type === "application/json" || type.endsWith("+json");
        form.append(name, new Blob([json ? JSON.stringify(each) : text(each)], { type: type || "application/json" }));
      } else form.append(name, text(each));
    }
  }
  return form;
}

// --- what comes back -------------------------------------------------------------------------------------------------

async function read(operation: Operation, response: Response): Promise<unknown> {
  const { status, headers } = response;
  const { answers } = operation;
  const declared = answers[status] ?? answers[`${Math.floor(status / 100)}XX`] ?? answers["default"];
  const place = `${operation.method} ${operation.path}`;
  if (declared === undefined) {
    throw new UnexpectedAnswer(place, `the status ${status} is not declared`, response, await response.text());
  }
  const known = Object.keys(declared);
  if (operation.method === "HEAD" || status === 204 || status === 304 || known.length === 0) {
    drop(response);
    return { status, mediaType: undefined, body: undefined, headers, response };
  }
  const type = headers.get("content-type");
  const bare = (type?.split(";")[0] ?? "").trim().toLowerCase();
  const key =
    type === null
      ? known[0]
      : (known.find((each) => each === type.toLowerCase()) ??
        known.filter((each) => covers(each, bare)).sort((a, b) => a.split("*").length - b.split("*").length)[0] ??
        (isJson(bare) ? known.find((each) => declared[each] === "json") : undefined));
  if (key === undefined) {
    throw new UnexpectedAnswer(place, `${status} as ${bare} is not declared`, response, await response.text());
  }
  return { status, mediaType: key.includes("*") ? bare : key, body: await decode(declared[key], response, place), headers, response };
}

/** Lets the body go. Of a clone that ends only with the other's, so it is not waited for. */
function drop(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

function isJson(type: string): boolean {
  return type === "application/json" || type === "text/json" || type.endsWith("+json");
}

async function decode(kind: Kind | undefined, response: Response, place: string): Promise<unknown> {
  if (kind === "stream") return response.body;
  if (kind === "binary") return await response.blob();
  const body = await response.text();
  if (kind !== "json") return body;
  try {
    return JSON.parse(body);
  } catch {
    throw new UnexpectedAnswer(place, `the body of ${response.status} is not JSON`, response, body);
  }
}
