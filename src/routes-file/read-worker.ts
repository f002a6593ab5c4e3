// Entry point of the thread that reads a table. Not for import.

import { parentPort, workerData } from 'node:worker_threads'
import { readTable } from './read.ts'

const text: unknown = workerData
parentPort?.postMessage(readTable(typeof text === 'string' ? text : ''))
