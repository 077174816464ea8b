import * as aes from './aes/kernels.ts'
import * as beaver from './beaver/kernels.ts'
import * as bgv from './bgv/kernels.ts'
import * as digest from './digest/kernels.ts'
import * as field61 from './field61/kernels.ts'
import * as sliced from './bits/kernels.ts'
import { ids, masks } from './blake3/kernels.ts'
import { place, simple } from './cuckoo/kernels.ts'
import * as mlkem from './mlkem/kernels.ts'
import { hash, hashScale, scale, scaleEach } from './curve25519/kernels.ts'
import { encode as expandConvolute } from './expand-convolute/kernels.ts'
import * as gf128 from './gf128/kernels.ts'
import * as ggm from './ggm/kernels.ts'
import * as garbling from './garble/kernels.ts'
import { seal } from './chacha/kernels.ts'
import * as oprf from './oprf/kernels.ts'
import * as p256 from './p256/kernels.ts'
import * as pir from './pir/kernels.ts'
import * as encoding from './rlwe/encoding.ts'
import { evaluate } from './rlwe/evaluate.ts'
import { interpolate } from './rlwe/interpolate.ts'
import * as ring from './ring/kernels.ts'
import * as rlwe from './rlwe/kernels.ts'
import { decode, encode } from './okvs/kernels.ts'
import { tiles } from './merkle/kernels.ts'
import * as softspoken from './softspoken/kernels.ts'
import { duplicate, intersect, sort } from './table/kernels.ts'
import { bits } from './transpose/kernels.ts'

/** Every kernel by name: what the equality tests, the benches and an auditor's sampling iterate over. */
export const kernels = {
  'aes/expand': aes.expand,
  'aes/hash': aes.hash,
  'aes/tweaked-hash': aes.tweakedHash,
  'bits/and': sliced.and,
  'bits/masked': beaver.masked1,
  'bits/beaver': beaver.beaver1,
  'bits/deal': beaver.deal1,
  'bits/pair-terms': beaver.pairTerms1,
  'ring64/pair-terms': beaver.pairTerms64,
  'ring128/pair-terms': beaver.pairTerms128,
  'bgv/answer': bgv.answer,
  'bgv/encrypt': bgv.encrypt,
  'bgv/key': bgv.key,
  'bgv/open': bgv.open,
  'bgv/products': bgv.products,
  'digest/words': digest.words,
  'field61/multiply': field61.multiply,
  'field61/combine': field61.combine,
  'field61/dots': field61.dots,
  'bits/expand': sliced.expand,
  'bits/permutation': sliced.permutation,
  'bits/slice': sliced.slice,
  'bits/unslice': sliced.unslice,
  'blake3/ids': ids,
  'blake3/masks': masks,
  'cuckoo/place': place,
  'cuckoo/simple': simple,
  'curve25519/hash': hash,
  'curve25519/scale': scale,
  'curve25519/hash-scale': hashScale,
  'curve25519/scale-each': scaleEach,
  'expand-convolute/encode': expandConvolute,
  'gf128/evaluate': gf128.evaluate,
  'gf128/inner': gf128.inner,
  'gf128/multiply': gf128.multiply,
  'gf128/scale': gf128.scale,
  'ggm/grow': ggm.grow,
  'ggm/puncture': ggm.puncture,
  'garble/evaluate': garbling.evaluate,
  'garble/garble': garbling.garble,
  'chacha/seal': seal,
  'merkle/tiles': tiles,
  'oprf/blind': oprf.blind,
  'oprf/combine': oprf.combine,
  'oprf/evaluate': oprf.evaluate,
  'oprf/finalize': oprf.finalize,
  'oprf/hash': oprf.hash,
  'oprf/scale': oprf.scale,
  'p256/hash-scale': p256.hashScale,
  'p256/scale': p256.scale,
  'pir/expand': pir.expand,
  'pir/gauss': pir.gauss,
  'pir/multiply': pir.multiply,
  'pir/patch': pir.patch,
  'pir/scan': pir.scan,
  'rlwe/decrypt': encoding.decrypt,
  'rlwe/encode': encoding.encode,
  'rlwe/encode-reals': encoding.encodeReals,
  'rlwe/encrypt': rlwe.encrypt,
  'rlwe/evaluate': evaluate,
  'rlwe/expand': rlwe.expand,
  'rlwe/interpolate': interpolate,
  'rlwe/mask': rlwe.mask,
  'rlwe/switch-keys': rlwe.switchKeys,
  'okvs/encode': encode,
  'okvs/decode': decode,
  'ring64/masked': beaver.masked64,
  'ring64/beaver': beaver.beaver64,
  'ring64/deal': beaver.deal64,
  'ring128/masked': beaver.masked128,
  'ring128/beaver': beaver.beaver128,
  'ring128/deal': beaver.deal128,
  'ring64/cross-terms': ring.crossTerms64,
  'ring128/cross-terms': ring.crossTerms128,
  'ring64/matrix-product': ring.matrixProduct64,
  'ring128/matrix-product': ring.matrixProduct128,
  'softspoken/receive-bits': softspoken.receiveBits,
  'softspoken/receive-products': softspoken.receiveProducts,
  'softspoken/select-products': softspoken.selectProducts,
  'softspoken/send-bits': softspoken.sendBits,
  'softspoken/send-products': softspoken.sendProducts,
  'table/intersect': intersect,
  'table/sort': sort,
  'table/duplicate': duplicate,
  'mlkem/decapsulate': mlkem.decapsulate,
  'mlkem/encapsulate': mlkem.encapsulate,
  'mlkem/keys': mlkem.keys,
  'mlkem/uniform': mlkem.uniform,
  'transpose/bits': bits,
} as const
