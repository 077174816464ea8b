/** A Web Worker of `browserPool`: serves kernel calls and gives the output's buffers away. */
import * as comlink from 'comlink'
import { wasmEngine } from '../engine.ts'
import type { Service } from './browser.ts'
import { buffersOf, serve } from './pool.ts'

const service: Service = {
  async serve(name, input) {
    const reply = serve(await wasmEngine(), name, input)
    return comlink.transfer(reply, 'output' in reply ? buffersOf(reply.output) : [])
  },
}

comlink.expose(service)
