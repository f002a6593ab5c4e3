// routes.schema.json for editors, made from schema.ts. Run it to write the file: `node src/routes-file/json-schema.ts`.

import * as z from 'zod'
import { fileSchema } from './schema.ts'

/** The text of `src/routes.schema.json`. Draft 7, which every editor's YAML support understands. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' })
  const titled = { ...schema, title: 'Gatehouse: routes.yaml' }
  return `${JSON.stringify(titled, null, 2)}\n`
}
