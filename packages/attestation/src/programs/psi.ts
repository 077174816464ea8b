/** Sets: a row is an id. */
import {
  cdgoss21,
  circuitInput,
  czzdl24,
  ecdh,
  ikn19,
  kkrt16,
  kmprt17,
  psty19,
  ra18,
  rr22,
  rr22Malicious,
  sumInput,
} from '@tallystick/psi'
import { programOf, type Program, type Programs } from '../program.ts'

const sets: Program['input'] = (rows) => rows

/** Of the sender of `psi/ra18` the one row is its key: its list is bound by the digest in the parameters. */
const queriesOrKey = sets

export const programs: Programs = {
  ...programOf(ecdh, sets),
  ...programOf(kkrt16, sets),
  ...programOf(rr22, sets),
  ...programOf(rr22Malicious, sets),
  ...programOf(ra18, queriesOrKey),
  ...programOf(czzdl24, sets),
  ...programOf(ikn19, sumInput),
  ...programOf(psty19, circuitInput),
  ...Object.assign({}, ...[...kmprt17.values(), ...cdgoss21.values()].map((protocol) => programOf(protocol, sets))),
}
