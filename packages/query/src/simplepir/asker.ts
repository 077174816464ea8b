/** The asker: learns its rows. */
import { invariant, TallyError } from '@tallystick/core'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { answersOf, type Answers } from '../answers.ts'
import { askOutputs, checkIds } from '../evaluation.ts'
import { answerAmong, answerInList, checkList, type Answer, type SealedList } from '../sealed/list.ts'
import { outputBytes, rowKeys, type RowKeys } from '../sealed/row.ts'
import { columnOf } from './build.ts'
import { framesAhead, type messages, queriesPerFrame, saltOf, type PirInputs, type PirParameters } from './messages.ts'
import { preparedQuery, unitAt, unitBytesOf } from './prepare.ts'
import { decodeColumn, queryFor } from './query.ts'
import { linesOf, slotBytesOf } from './shape.ts'

/** The row of the keys in a decoded column, else in the stash: all slots of a column are looked at. */
export const answerFrom = (
  keys: RowKeys,
  { slots }: Pick<PirParameters, 'slots'>,
  column: Uint8Array,
  stash: SealedList,
): Answer => {
  const width = stash.slotBytes
  const inColumn = answerAmong(keys, 0, slots, stash, (i) => column.subarray(i * width, (i + 1) * width))
  const inStash = answerInList(keys, stash)
  if (inColumn.status === 'found' || inStash.status === 'absent') return inColumn
  return inStash
}

const answerBytes = (parameters: PirParameters): number => 2 * linesOf(parameters)

const keysFrom = (parameters: PirParameters, outputs: Uint8Array): readonly RowKeys[] =>
  Array.from({ length: parameters.queries }, (_, i) =>
    rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), saltOf(parameters)),
  )

/**
 * Sends all queries and receives all answers, which are not looked at here: none can change when a frame leaves.
 * @param units prepared, `queries` of them
 * @param peer who is to blame
 */
export function* retrieve(
  ctx: Context<typeof messages, 'asker'>,
  parameters: PirParameters,
  units: Uint8Array,
  outputs: Uint8Array,
  peer = 'holder',
): Routine<readonly Uint8Array[]> {
  const { queries } = parameters
  const keys = keysFrom(parameters, outputs)
  const perFrame = queriesPerFrame(parameters)
  const frames = Math.ceil(queries / perFrame)
  const countOf = (frame: number): number => Math.min(perFrame, queries - frame * perFrame)
  function* ask(frame: number): Routine<void> {
    const words = new Uint32Array(countOf(frame) * parameters.columns)
    for (let i = 0; i < countOf(frame); i++) {
      const at = frame * perFrame + i
      const query = queryFor(unitAt(units, parameters, at), columnOf(parameters, keys[at]!))
      words.set(query, i * parameters.columns)
    }
    yield* ctx.send('queries', words)
  }
  for (let frame = 0; frame < Math.min(framesAhead, frames); frame++) yield* ask(frame)
  const size = answerBytes(parameters)
  const received: Uint8Array[] = []
  for (let frame = 0; frame < frames; frame++) {
    const bytes = yield* ctx.receive('answers')
    if (bytes.length !== size * countOf(frame)) throw wrongSize(peer, size * countOf(frame), bytes.length)
    if (frame + framesAhead < frames) yield* ask(frame + framesAhead)
    received.push(bytes)
  }
  return received
}

/** The rows that received answers hold. */
export const openAnswers = (
  parameters: PirParameters,
  units: Uint8Array,
  outputs: Uint8Array,
  received: readonly Uint8Array[],
  stash: SealedList,
): Answers => {
  const size = answerBytes(parameters)
  const perFrame = queriesPerFrame(parameters)
  const answers = keysFrom(parameters, outputs).map((key, at): Answer => {
    const place = at % perFrame
    const answer = received[Math.floor(at / perFrame)]!.subarray(size * place, size * (place + 1))
    const unit = unitAt(units, parameters, at)
    const column = decodeColumn(unit, queryFor(unit, columnOf(parameters, key)), answer)
    return answerFrom(key, parameters, column, stash)
  })
  return answersOf(answers)
}

/** Burned before the first frame: whatever happens from here on, no unit is ever used for another query. */
export function* reserveUnits(
  ctx: Pick<Context<any, any>, 'reserve'>,
  parameters: PirParameters,
  correlation: string = preparedQuery,
): Routine<Uint8Array> {
  const units = yield* ctx.reserve(correlation, parameters.queries)
  invariant(units.length === parameters.queries * unitBytesOf(parameters), 'the store hands out whole units')
  return units
}

export const asker: Party<typeof messages, 'asker', PirParameters, PirInputs['asker'], Answers> = function* (
  ctx,
  parameters,
  { ids, stash },
) {
  checkIds(ids, parameters.queries)
  const sealed = checkList(stash, parameters.stash, slotBytesOf(parameters))
  const units = yield* reserveUnits(ctx, parameters)
  const outputs = yield* askOutputs(ctx, parameters, ids)
  const received = yield* retrieve(ctx, parameters, units, outputs)
  return openAnswers(parameters, units, outputs, received, sealed)
}

const wrongSize = (peer: string, expected: number, found: number): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `expected ${expected} bytes of answers, found ${found}`, {
    remedy: 'ask the holder which software it runs: the agreed protocol does not send this; keep the journal',
  })
