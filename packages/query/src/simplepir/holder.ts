/** The holder: evaluates, scans, learns nothing. */
import { TallyError } from '@tallystick/core'
import type { Context, Party, Routine } from '@tallystick/protocol'
import type { Nothing } from '../answers.ts'
import { checkKey, serveOutputs } from '../evaluation.ts'
import { type messages, queriesPerFrame, type PirInputs, type PirParameters } from './messages.ts'
import { isMatrixOf, matrixLength, scanMatrix, type Matrix } from './matrix.ts'
import { roundAnswers } from './query.ts'
import { matrixBytesOf } from './shape.ts'

/** @throws TallyError identity/wrong-key, input/changed unless this is the table of the terms */
export const checkTable = (parameters: PirParameters, { secretKey, matrix }: PirInputs['holder']): void => {
  checkKey(secretKey, parameters.publicKey)
  if (isMatrixOf(parameters, matrix)) return
  const [expected, found] = [matrixBytesOf(parameters), matrixLength(matrix)]
  throw new TallyError(
    'input/changed',
    'self',
    `the terms want a table of ${expected} bytes, found ${found} in ${matrix.length} blocks`,
    { remedy: 'serve the version of the table that the terms name' },
  )
}

/** Answers all queries, frame by frame. */
export function* serveQueries(
  ctx: Context<typeof messages, 'holder'>,
  parameters: PirParameters,
  matrix: Matrix,
): Routine<void> {
  const { queries, columns } = parameters
  const perFrame = queriesPerFrame(parameters)
  for (let from = 0; from < queries; from += perFrame) {
    const count = Math.min(perFrame, queries - from)
    const frame = yield* ctx.receive('queries')
    if (frame.length !== count * columns) {
      throw new TallyError(
        'peer/misbehaved',
        { peer: 'asker' },
        `expected ${count} queries of ${columns} words in a frame, found ${frame.length} words`,
        { remedy: 'ask the asker which software it runs; keep the journal' },
      )
    }
    yield* ctx.send('answers', roundAnswers(yield* scanMatrix(ctx, matrix, columns, frame)))
  }
}

export const holder: Party<typeof messages, 'holder', PirParameters, PirInputs['holder'], Nothing> = function* (
  ctx,
  parameters,
  input,
) {
  checkTable(parameters, input)
  yield* serveOutputs(ctx, parameters, input.secretKey)
  yield* serveQueries(ctx, parameters, input.matrix)
  return { kind: 'none' }
}
