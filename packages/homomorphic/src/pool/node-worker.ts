/** A worker thread of `sealPool`: one SEAL, which it loads with its first call. */
import { TallyError } from '@tallystick/core'
import type { RingCiphertext } from '@tallystick/kernels'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { sealEngine } from '../seal/engine.ts'
import { buffersOf, type Reply, type Task } from './task.ts'

const loading = sealEngine()

export default async function run(task: Task): Promise<unknown> {
  const evaluate = (await loading)['rlwe/evaluate']! as (task: Task) => readonly RingCiphertext[]
  const lent = task.arena === undefined ? {} : { arena: task.arena }
  let reply: Reply
  try {
    reply = { output: evaluate(task), ...lent }
  } catch (error) {
    // Anything else than a refusal leaves SEAL's heap in an unknown state: this thread ends, and another takes the call.
    if (!(error instanceof TallyError)) return process.exit(1)
    reply = { error: error.toJSON(), ...lent }
  }
  const transfer = [...('output' in reply ? buffersOf(reply.output) : []), ...Object.values(lent)]
  return move({ [transferableSymbol]: transfer, [valueSymbol]: reply })
}
