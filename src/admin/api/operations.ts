// Every operation of the API. One more is one line more in its subject's file.

import type { Operation } from '../operation.ts'
import { houseOperations } from './house.ts'

export const operations: readonly Operation[] = [...houseOperations]
