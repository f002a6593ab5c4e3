// What the gateway and its own applications (login, account, admin) say to each other. Types alone.

import type { Host, Identity, RequestId } from './model.ts'
import type { Answer } from './pages/answer.ts'

/** A whole request to an application: admitted, its body read. */
export interface AppRequest {
  readonly id: RequestId
  readonly method: string
  /** Raw path and query, as checked. */
  readonly target: string
  /** Lower-case names; several lines of a name joined by `, `, cookies by `; `. Our own cookies are among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly host: Host
  /** The origin this host has for a browser: `https://name`, with the port when it is not 443. */
  readonly origin: string
  /** Verified client address. */
  readonly client: string
  /** What the client is counted by: its IPv4 address or its IPv6 /64. */
  readonly network: string
  /** Who the gateway took it for; by the domain's cookie alone, which changes nothing about an account. */
  readonly identity: Identity | null
}

/** One of Gatehouse's own applications. */
export interface Application {
  /** Never rejects for what a client sends. A rejection is a bug and ends the request with 500. */
  handle(request: AppRequest): Promise<Answer>
}

/** Applications by name; they load when first asked. */
export interface Applications {
  readonly login: Application
  readonly admin: Application
}

/** Largest body an application takes, bytes. */
export const maxAppBodyBytes = 262_144
