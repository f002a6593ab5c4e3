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

/** Where the bytes of a stream go. */
export interface StreamSink {
  /** Nothing is lost; a client that does not take it for long enough is cut off. After the end it does nothing. */
  send(text: string): void
  end(): void
}

/** An answer with status 200 that goes on, such as server-sent events. What ends its session ends it too. */
export interface StreamAnswer {
  /** Flat list: name, value, name, value. Names are lower-case. No length. */
  readonly headers: readonly string[]
  /** Called once, when the head is on its way. @returns what to do when it is over, whoever ended it. */
  open(sink: StreamSink): () => void
}

/** One of Gatehouse's own applications. */
export interface Application {
  /** Never rejects for what a client sends. A rejection is a bug and ends the request with 500. */
  handle(request: AppRequest): Promise<Answer | StreamAnswer>
}

/** One whose answers are all whole. */
export interface PageApplication extends Application {
  handle(request: AppRequest): Promise<Answer>
}

/** Applications by name; they load when first asked. */
export interface Applications {
  readonly login: Application
  readonly admin: Application
}

/** Largest body an application takes, bytes. */
export const maxAppBodyBytes = 262_144

/** Of what is sent about a machine, which everybody may send. Bytes. */
export const maxWakeBodyBytes = 1_024
