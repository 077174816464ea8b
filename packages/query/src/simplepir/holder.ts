/** The holder: evaluates, scans, learns nothing. */
import { TallyError } from '@tallystick/core'
import { pirScan } from '@tallystick/kernels'
import type { Party } from '@tallystick/protocol'
import type { Nothing } from '../answers.ts'
import { checkKey, serveOutputs } from '../evaluation.ts'
import { type messages, queriesPerFrame, type PirInputs, type PirParameters } from './messages.ts'
import { roundAnswers } from './query.ts'
import { matrixBytesOf } from './shape.ts'

export const holder: Party<typeof messages, 'holder', PirParameters, PirInputs['holder'], Nothing> = function* (
  ctx,
  parameters,
  { secretKey, matrix },
) {
  const { queries, columns } = parameters
  checkKey(secretKey, parameters.publicKey)
  if (matrix.length !== matrixBytesOf(parameters)) {
    const expected = matrixBytesOf(parameters)
    throw new TallyError(
      'input/changed',
      'self',
      `the terms want a table of ${expected} bytes, found ${matrix.length}`,
      {
        remedy: 'serve the version of the table that the terms name',
      },
    )
  }
  yield* serveOutputs(ctx, parameters, secretKey)
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
    yield* ctx.send('answers', roundAnswers(yield* ctx.compute(pirScan, { matrix, columns, queries: frame })))
  }
  return { kind: 'none' }
}
