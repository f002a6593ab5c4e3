// Does a port answer? One question to it, over a real connection.

/** What is asked. */
export interface ProbeTarget {
  /** Name or address. */
  readonly address: string
  readonly port: number
  readonly scheme: 'http' | 'https'
  /** A path that answers below 500 when ready; `null`: taking a connection is enough. */
  readonly readyPath: string | null
}

/**
 * What came of it. `refused`: the system is up, the service is not. `failing`: it takes connections and cannot serve.
 * `silent`: nothing came in time. `forbidden`: that address is never dialled.
 */
export type ProbeResult = 'ready' | 'refused' | 'failing' | 'silent' | 'forbidden'

/** Never rejects. */
export type Probe = (target: ProbeTarget) => Promise<ProbeResult>
