/** What the two roles of `query/simplepir` agree on before they start, and what they send. */
import { flatRows, flatWords32, fromHex, type Hex } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'
import type { Answers, Nothing } from '../answers.ts'
import { evaluationMessages, type Role } from '../evaluation.ts'
import { fieldsOf, hexIn, malformed, maxQueries, wholeIn } from '../parameters.ts'
import type { Items } from '../rfc9497/suite.ts'
import { maxValueBytes, saltBytes } from '../sealed/row.ts'
import type { Matrix } from './matrix.ts'
import { checkShape, linesOf, maxColumns, minColumns, type Shape } from './shape.ts'

export const id = 'query/simplepir'

/** Public parameters, as they stand in the signed terms. */
export interface PirParameters extends Shape {
  readonly queries: number
  readonly publicKey: Hex
  readonly salt: Hex
  /** Digest of everything that a version of the table fixes ({@link versionDigest}): matrix, hint, seed, stash. */
  readonly table: Hex
  /** SHA-256 of the matrix: what a replay of the holder compares its committed lines with ({@link isMatrix}). */
  readonly matrix: Hex
  /** Sealed rows of the stash, and its digest. */
  readonly stashRows: number
  readonly stash: Hex
  /**
   * What the holder commits to beside its key: the lines of its matrix, or with `digest` the digest above in their place. Its
   * evidence is then small, and whoever replays it brings the matrix.
   */
  readonly committed?: 'digest'
}

export interface PirInputs extends Record<Role, unknown> {
  readonly asker: {
    readonly ids: Items
    /** As {@link stashOf} writes it. */
    readonly stash: Uint8Array
  }
  readonly holder: {
    readonly secretKey: Uint8Array
    /** lines × columns bytes. */
    readonly matrix: Matrix
  }
}

export interface PirOutputs extends Record<Role, unknown> {
  readonly asker: Answers
  readonly holder: Nothing
}

const maxStashRows = 2 ** 24
const frameBytes = 1 << 22

/** Queries a frame: at most 4 MiB of them, and at most 64. */
export const queriesPerFrame = ({ columns }: Pick<Shape, 'columns'>): number =>
  Math.max(1, Math.min(64, Math.floor(frameBytes / (4 * columns))))

/** Frames of queries that are under way before their answers: what bounds the memory of both sides. */
export const framesAhead = 4

/** Frames of queries wait for answers `framesAhead` at a time, after the round trip of the evaluation. */
export const roundsOf = (parameters: PirParameters): number =>
  2 + 2 * Math.ceil(Math.ceil(parameters.queries / queriesPerFrame(parameters)) / framesAhead)

export const messages = {
  ...evaluationMessages,
  /** Words of Z_2^32, `columns` a query. */
  queries: message('asker', 'holder', flatWords32(frameBytes / 4)),
  /** 2 bytes a line for each query of the frame. */
  answers: opening('holder', 'asker', flatRows(2, 64 * 2 ** 20)),
} as const

export const parameters = (value: unknown): PirParameters => {
  const fields = fieldsOf(id, value, [
    'queries',
    'publicKey',
    'salt',
    'columns',
    'slots',
    'valueBytes',
    'table',
    'matrix',
    'stashRows',
    'stash',
    'committed',
  ])
  const committed = fields['committed']
  if (committed !== undefined && committed !== 'digest')
    throw malformed(id, 'expected committed to be digest or left out')
  const shape = checkShape({
    columns: wholeIn(id, fields, 'columns', minColumns, maxColumns),
    slots: wholeIn(id, fields, 'slots', 1, 65_535),
    valueBytes: wholeIn(id, fields, 'valueBytes', 0, maxValueBytes),
  })
  return {
    ...shape,
    queries: wholeIn(id, fields, 'queries', 1, maxQueries),
    publicKey: hexIn(id, fields, 'publicKey', 32),
    salt: hexIn(id, fields, 'salt', saltBytes),
    table: hexIn(id, fields, 'table', 32),
    matrix: hexIn(id, fields, 'matrix', 32),
    stashRows: wholeIn(id, fields, 'stashRows', 0, maxStashRows),
    stash: hexIn(id, fields, 'stash', 32),
    ...(committed === undefined ? {} : { committed }),
  }
}

export const saltOf = ({ salt }: Pick<PirParameters, 'salt'>): Uint8Array => fromHex(salt)

/** Bytes of queries and answers. */
export const retrievalBytes = (parameters: PirParameters): number =>
  parameters.queries * (4 * parameters.columns + 2 * linesOf(parameters))
