/** The asker: learns its rows. */
import { invariant, TallyError } from '@tallystick/core'
import type { Party, Routine } from '@tallystick/protocol'
import { answersOf, type Answers } from '../answers.ts'
import { askOutputs, checkIds } from '../evaluation.ts'
import { answerAmong, answerInList, checkList, type Answer } from '../sealed/list.ts'
import { outputBytes, rowKeys, type RowKeys } from '../sealed/row.ts'
import { columnOf } from './build.ts'
import { framesAhead, type messages, queriesPerFrame, saltOf, type PirInputs, type PirParameters } from './messages.ts'
import { preparedQuery, unitAt, unitBytesOf } from './prepare.ts'
import { decodeColumn, queryFor } from './query.ts'
import { linesOf, slotBytesOf } from './shape.ts'

/** The row of the keys in a decoded column, else in the stash: all slots of a column are looked at. */
export const answerFrom = (keys: RowKeys, parameters: PirParameters, column: Uint8Array, stash: Uint8Array): Answer => {
  const width = slotBytesOf(parameters)
  const inColumn = answerAmong(keys, 0, parameters.slots, width, (i) => column.subarray(i * width, (i + 1) * width))
  const inStash = answerInList(keys, stash, width)
  if (inColumn.status === 'found' || inStash.status === 'absent') return inColumn
  return inStash
}

export const asker: Party<typeof messages, 'asker', PirParameters, PirInputs['asker'], Answers> = function* (
  ctx,
  parameters,
  { ids, stash },
) {
  const { queries } = parameters
  checkIds(ids, queries)
  checkList(stash, parameters.stash, slotBytesOf(parameters))
  // Burned before the first frame: whatever happens from here on, no unit is ever used for another query.
  const units = yield* ctx.reserve(preparedQuery, queries)
  invariant(units.length === queries * unitBytesOf(parameters), 'the store hands out whole units of this shape')
  const outputs = yield* askOutputs(ctx, parameters, ids)
  const keys = Array.from({ length: queries }, (_, i) =>
    rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), saltOf(parameters)),
  )
  const perFrame = queriesPerFrame(parameters)
  const queryAt = (i: number): Uint32Array => queryFor(unitAt(units, parameters, i), columnOf(parameters, keys[i]!))

  const frames = Math.ceil(queries / perFrame)
  const countOf = (frame: number): number => Math.min(perFrame, queries - frame * perFrame)
  function* ask(frame: number): Routine<void> {
    const words = new Uint32Array(countOf(frame) * parameters.columns)
    for (let i = 0; i < countOf(frame); i++) words.set(queryAt(frame * perFrame + i), i * parameters.columns)
    yield* ctx.send('queries', words)
  }
  for (let frame = 0; frame < Math.min(framesAhead, frames); frame++) yield* ask(frame)
  // No answer is looked at before the last frame is sent, so that none can change when another one leaves.
  const size = 2 * linesOf(parameters)
  const received: Uint8Array[] = []
  for (let frame = 0; frame < frames; frame++) {
    const bytes = yield* ctx.receive('answers')
    if (bytes.length !== size * countOf(frame)) throw wrongSize(size * countOf(frame), bytes.length)
    if (frame + framesAhead < frames) yield* ask(frame + framesAhead)
    received.push(bytes)
  }
  const answers = keys.map((key, at): Answer => {
    const place = at % perFrame
    const answer = received[Math.floor(at / perFrame)]!.subarray(size * place, size * (place + 1))
    const column = decodeColumn(unitAt(units, parameters, at), queryAt(at), answer)
    return answerFrom(key, parameters, column, stash)
  })
  return answersOf(answers)
}

const wrongSize = (expected: number, found: number): TallyError =>
  new TallyError('peer/misbehaved', { peer: 'holder' }, `expected ${expected} bytes of answers, found ${found}`, {
    remedy: 'ask the holder which software it runs: the agreed protocol does not send this; keep the journal',
  })
