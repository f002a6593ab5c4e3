// Shapes of the two development dependencies that bring no types: only what is used here.

declare module 'http-proxy' {
  import type { Agent } from 'node:http'
  import type { Duplex } from 'node:stream'

  interface ProxyServer {
    on(event: 'error', listener: (error: Error, req: unknown, res: Duplex) => void): ProxyServer
    listen(port: number, host: string): ProxyServer
  }
  const httpProxy: {
    createProxyServer(options: {
      target: string
      agent: Agent
      ssl: { cert: Buffer; key: Buffer }
      xfwd: boolean
      ws: boolean
    }): ProxyServer
  }
  export = httpProxy
}

declare module 'autocannon' {
  interface Result {
    readonly requests: { readonly total: number }
    /** Seconds. */
    readonly duration: number
    readonly errors: number
    readonly non2xx: number
  }
  interface Run extends PromiseLike<Result> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): void
  }
  const autocannon: (options: {
    url: string
    connections: number
    duration: number
    servername: string
    headers: Readonly<Record<string, string>>
  }) => Run
  export = autocannon
}
