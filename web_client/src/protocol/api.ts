// The court's HTTP API as far as a browser uses it. Every failure is a `Problem` with the server's stable code; a network
// that is down is `unreachable`. Words for either are the catalogs' business.

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(`${status} ${code}`);
  }
}

/** What any link tells before anybody enters. */
export interface DeskInfo {
  readonly court: string;
  readonly phone: string;
  readonly is_registry: boolean;
  /** The court's own clock, a name of the IANA list. */
  readonly time_zone?: string;
}

/** What a participant's link opens. */
export interface TicketInfo extends DeskInfo {
  readonly case_number: string;
  readonly cause: string;
  readonly kind: string;
  readonly scheduled_ms: number | null;
  readonly slot: string;
  readonly role: string;
  /** What the sitting's rules call this role; null where it has none. */
  readonly role_name?: { readonly zh: string; readonly en: string } | null;
  readonly name: string;
  readonly stream_id: string;
  readonly expires_ms: number | null;
  /** How many pairs of receive slots the court will give. */
  readonly media_slots: number;
  /** The key to subscribe to web push with; empty where the court calls nobody by it. */
  readonly push_key?: string;
}

export interface Ask {
  readonly method?: string;
  readonly json?: unknown;
  readonly token?: string | null;
  /** The ETag of the last answer: 304 says that nothing has changed. */
  readonly unless?: string | null;
  readonly signal?: AbortSignal;
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    const value: unknown = await response.json();
    if (typeof value === "object" && value !== null) body = value as Record<string, unknown>;
  } catch {
    // a proxy's page: the status has to do
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return new Problem(response.status, text(body["code"]) || `http_${response.status}`, text(body["detail"]), body);
}

export async function ask(path: string, options: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = {};
  if (options.json !== undefined) headers["Content-Type"] = "application/json";
  if (options.unless) headers["If-None-Match"] = options.unless;
  if (options.token) headers["Authorization"] = `Bearer ${options.token}`;
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? (options.json === undefined ? "GET" : "POST"),
      headers,
      cache: "no-store",
      ...(options.json === undefined ? {} : { body: JSON.stringify(options.json) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (!response.ok && !(response.status === 304 && options.unless)) throw await problemOf(response);
  return response;
}

export async function askJson<T>(path: string, options: Ask = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

export function openTicket(ticket: string): Promise<TicketInfo | DeskInfo> {
  return askJson<TicketInfo | DeskInfo>("/api/ticket", { json: { ticket } });
}

export function isSitting(info: TicketInfo | DeskInfo): info is TicketInfo {
  return !info.is_registry;
}

export function sessionUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/session`;
}
