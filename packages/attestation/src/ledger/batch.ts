/**
 * Batches of digests under one Merkle root for the `Anchor` contract: leaves are keccak256(keccak256(salt ‖ digest)),
 * pairs are hashed in sorted order, an odd node moves up unpaired. A proof is the siblings from the leaf upwards.
 */
import { compareBytes, fromHex, TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { concat, keccak256 } from 'ethers'

export interface Batch {
  readonly root: Hex
  /** Siblings of each digest, in the order in which the digests were given. */
  readonly proofs: readonly (readonly Hex[])[]
}

const leafOf = (domain: Hex, digest: Hex): Hex => {
  fromHex(digest, 32)
  return keccak256(keccak256(concat([domain, digest]))) as Hex
}

const parentOf = (a: Hex, b: Hex): Hex =>
  keccak256(compareBytes(fromHex(a), fromHex(b)) < 0 ? concat([a, b]) : concat([b, a])) as Hex

/** @throws TallyError api/misuse for no digests */
export const batchOf = (domain: Hex, digests: readonly Hex[]): Batch => {
  if (digests.length === 0) throw new TallyError('api/misuse', 'self', 'expected at least one digest to anchor')
  const proofs: Hex[][] = digests.map(() => [])
  let level = digests.map((digest, i) => ({ node: leafOf(domain, digest), leaves: [i] }))
  while (level.length > 1) {
    const next: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i]!, level[i + 1]]
      if (right === undefined) {
        next.push(left)
        continue
      }
      for (const leaf of left.leaves) proofs[leaf]!.push(right.node)
      for (const leaf of right.leaves) proofs[leaf]!.push(left.node)
      next.push({ node: parentOf(left.node, right.node), leaves: [...left.leaves, ...right.leaves] })
    }
    level = next
  }
  return { root: level[0]!.node, proofs }
}

/** Whether the batch with this root holds the digest. That the root is anchored is the ledger's to say. */
export const inBatch = (domain: Hex, root: Hex, digest: Hex, proof: readonly Hex[]): boolean =>
  proof.every((sibling) => /^0x[0-9a-f]{64}$/.test(sibling)) && proof.reduce(parentOf, leafOf(domain, digest)) === root
