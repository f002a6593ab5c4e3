// What the tables need of a database: transactions, statements, sealed values. Types and row readers; names no library.

import { GatehouseError } from '../errors.ts'
import type { SealedColumn } from './sealed-columns.ts'

export type Value = null | number | bigint | string | Uint8Array
export type Row = Readonly<Record<string, Value>>

/** Statements of one transaction. */
export interface Statements {
  /** @returns `null`: no row. */
  get(text: string, ...values: readonly Value[]): Row | null
  all(text: string, ...values: readonly Value[]): readonly Row[]
  /** @returns how many rows changed. */
  run(text: string, ...values: readonly Value[]): number
}

/** Speaks to the database inside one transaction, secrets included. */
export interface Sql extends Statements {
  /** Encrypts for one place, with the key the database uses in this very transaction. */
  seal(column: SealedColumn, row: readonly string[], text: string): Uint8Array
  unseal(column: SealedColumn, row: readonly string[], sealed: Uint8Array): string
}

/**
 * How much a change must outlive a power cut. `lazy`: written, but the disk may be told later; for what may be lost
 * or done again. A crash of the process loses neither.
 */
export type Durability = 'durable' | 'lazy'

/**
 * A database. `work` runs to its end in one turn, in one transaction; when it throws, nothing of it stays.
 *
 * @throws GatehouseError `store-unavailable`: locked, full, gone, corrupt. `user-absent`: the user a row belongs to
 *   is not there (any more).
 */
export interface Database {
  /** One consistent view; waits for no writer. */
  read<T>(work: (sql: Sql) => T): Promise<T>
  /** Nobody else writes meanwhile, in this process or another. Writes happen in the order they were asked for. */
  write<T>(work: (sql: Sql) => T, durability: Durability): Promise<T>
}

/** Reads columns by name and insists on their types: a row that does not fit is damage, never a guess. */
export function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw misfit(column)
  return value
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column)
}

export function integerOf(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw misfit(column)
  return value
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integerOf(row, column)
}

export function flagOf(row: Row, column: string): boolean {
  const value = integerOf(row, column)
  if (value !== 0 && value !== 1) throw misfit(column)
  return value === 1
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw misfit(column)
  return value
}

/** A JSON list of strings. */
export function listOf(row: Row, column: string): readonly string[] {
  const value = jsonOf(row, column)
  if (!Array.isArray(value)) throw misfit(column)
  return value.map((each: unknown) => {
    if (typeof each !== 'string') throw misfit(column)
    return each
  })
}

export function listOrNull(row: Row, column: string): readonly string[] | null {
  return row[column] === null ? null : listOf(row, column)
}

/** Any JSON; the caller looks at its shape. */
export function jsonOf(row: Row, column: string): unknown {
  try {
    return JSON.parse(textOf(row, column))
  } catch {
    throw misfit(column)
  }
}

export function oneOf<Name extends string>(row: Row, column: string, names: readonly Name[]): Name {
  const value = textOf(row, column)
  const name = names.find((each) => each === value)
  if (name === undefined) throw misfit(column)
  return name
}

/** Text in the column `column` that is not what the program writes there. */
export function misfit(column: string): GatehouseError {
  return new GatehouseError(
    'store-unavailable',
    `a value of ${column} in the database is damaged`,
    {
      remedy: 'restore the database from a backup',
    },
  )
}
