/**
 * What this party has countersigned, kept twice: in its home, which moves with it to another machine, and beside the
 * generations of the journals, where a home that is put back from an older copy takes nothing back.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDisclosureLog, type DisclosureLog } from '@tallystick/attestation/node'
import { taggedMac, TallyError, toHex, type Hex } from '@tallystick/core'
import { defaultGenerations } from '@tallystick/session/node'
import type { Home } from './home.ts'

/** A role is countersigned where both lists allow it. @throws TallyError journal/corrupt */
export const openDisclosures = (home: Home, outside = defaultGenerations()): DisclosureLog => {
  mkdirSync(outside, { recursive: true, mode: 0o700 })
  // Of this party only, and without telling which: others on the machine keep their own.
  const mark = toHex(taggedMac(home.keys.storageKey.expose(), 'tallystick/disclosures/v1')).slice(2, 34)
  const open = (path: string): DisclosureLog => {
    try {
      return openDisclosureLog(path)
    } catch (error) {
      if (!(error instanceof TallyError) || error.remedy === undefined) throw error
      const { code, message, remedy } = error
      throw new TallyError(code, 'self', `${path}: ${message}`, { remedy, cause: error })
    }
  }
  const logs = [open(join(outside, `disclosures-${mark}`)), open(join(home.folder, 'disclosures'))]
  return {
    get disclosed() {
      return logs.flatMap((log) => log.disclosed)
    },
    async sign(terms, next, signer) {
      let signature: Hex = '0x'
      for (const log of logs) signature = await log.sign(terms, next, signer)
      return signature
    },
  }
}
