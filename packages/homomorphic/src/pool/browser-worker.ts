/** A Web Worker of `browserSealPool`: one SEAL, which it loads when it starts; results are given away. */
import { TallyError } from '@tallystick/core'
import * as comlink from 'comlink'
import { sealEngine } from '../seal/engine.ts'
import type { Service } from './browser.ts'
import { buffersOf, type Reply, type Task } from './task.ts'

const loading = sealEngine()

const service: Service = {
  async evaluate(task) {
    const run = (await loading)['rlwe/evaluate']! as (task: Task) => (Reply & { readonly output: unknown })['output']
    try {
      const output = run(task)
      return comlink.transfer({ output } as Reply, buffersOf(output as never))
    } catch (error) {
      // Anything else than a refusal leaves SEAL's heap in an unknown state: who called ends this worker.
      if (error instanceof TallyError) return { error: error.toJSON() }
      throw error
    }
  },
}

comlink.expose(service)
