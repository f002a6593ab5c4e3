// The thread that compares one password with one bcrypt hash, and ends.

import { parentPort, workerData } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'

const { password, text }: { password: string; text: string } = workerData
parentPort?.postMessage(compareSync(password, text))
