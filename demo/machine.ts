// The machine of the demo that sleeps, as a process: boots for a while, then its service answers. Started by cloud.ts.

import { startService } from './service.ts'
import { createStudio } from './services/studio.ts'

async function main(): Promise<void> {
  const [port, bootMs] = process.argv.slice(2).map(Number)
  const startedAt = Date.now()
  // Before anything can take time: whoever started it is gone, or it is to shut down.
  process.on('disconnect', () => process.exit())
  process.on('SIGTERM', () => process.exit())
  // The terminal sends Ctrl-C to every process: this one ends when its cloud says so.
  process.on('SIGINT', () => {})
  await new Promise((resolve) => setTimeout(resolve, bootMs))
  await startService(createStudio({ startedAt, pid: process.pid, now: Date.now }), port)
}

await main()
