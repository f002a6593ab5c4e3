// Writes src/routes.schema.json, the help that editors give for routes.yaml, from the schema that reads it.

import { writeFileSync } from 'node:fs'
import { jsonSchemaText } from '../src/routes-file/json-schema.ts'

writeFileSync(new URL('../src/routes.schema.json', import.meta.url), jsonSchemaText())
