/** What an asker learns. */
import { concatBytes } from '@tallystick/core'
import type { Answer } from './sealed/list.ts'

/** By id, in the order in which they were asked. */
export interface Answers {
  readonly kind: 'answers'
  /** 1: found; 0: absent; 2: the holder's answer does not open, which is known on this side only. */
  readonly status: Uint8Array
  /** Values of the rows found, one after the other. */
  readonly values: Uint8Array
  /** n + 1 positions in them. */
  readonly offsets: Uint32Array
}

export interface Nothing {
  readonly kind: 'none'
}

const codes: Readonly<Record<Answer['status'], number>> = { absent: 0, found: 1, spoiled: 2 }

export const answersOf = (answers: readonly Answer[]): Answers => {
  const values = answers.map((answer) => (answer.status === 'found' ? answer.value : new Uint8Array()))
  const offsets = new Uint32Array(answers.length + 1)
  values.forEach((value, i) => (offsets[i + 1] = offsets[i]! + value.length))
  return {
    kind: 'answers',
    status: Uint8Array.from(answers, ({ status }) => codes[status]),
    values: concatBytes(...values),
    offsets,
  }
}

export const answerAt = ({ status, values, offsets }: Answers, i: number): Answer => {
  if (status[i] === 1) return { status: 'found', value: values.subarray(offsets[i], offsets[i + 1]) }
  return { status: status[i] === 2 ? 'spoiled' : 'absent' }
}
