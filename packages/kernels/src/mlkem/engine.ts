/** `mlkem/*` have no engine but the reference. */
import type { Engine } from '@tallystick/protocol'
import { decapsulate, encapsulate, keys, uniform } from './kernels.ts'

export const mlkemEngine: Engine = {
  'mlkem/decapsulate': decapsulate.run,
  'mlkem/encapsulate': encapsulate.run,
  'mlkem/keys': keys.run,
  'mlkem/uniform': uniform.run,
}
