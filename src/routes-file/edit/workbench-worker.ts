// Entry point of the thread that studies texts. Not for import.

import { parentPort } from 'node:worker_threads'
import { type StudyRequest, study } from './study.ts'

parentPort?.on('message', ({ id, request }: { id: number; request: StudyRequest }) => {
  parentPort?.postMessage({ id, result: study(request) })
})
