// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title EIP-712 digests of the events that parties sign.
/// @notice `party` is the index of the party in the ordered party list of the terms, `attempt` counts runs of the same
/// terms from 0. The same digests are computed in TypeScript (packages/session/src/events.ts).
library Events {
    bytes32 internal constant AGREEMENT = keccak256("Agreement(bytes32 specHash)");
    bytes32 internal constant COMMITMENT =
        keccak256("Commitment(bytes32 specHash,uint32 attempt,uint8 party,bytes32 input,bytes32 seed,bytes32 coin)");
    bytes32 internal constant CHECKPOINT =
        keccak256("Checkpoint(bytes32 specHash,uint32 attempt,uint8 party,bytes32 commitments,bytes32 heads)");
    bytes32 internal constant VIEW =
        keccak256("View(bytes32 specHash,uint32 attempt,uint8 party,bytes32 heads,bytes32 result)");
    bytes32 internal constant CLOSE = keccak256("Close(bytes32 specHash,uint32 attempt,bytes32 heads,bytes32 result)");
    bytes32 internal constant ABORT = keccak256("Abort(bytes32 specHash,uint32 attempt,uint8 party,bytes32 reason)");
    bytes32 internal constant DISCLOSURE =
        keccak256("Disclosure(bytes32 specHash,uint32 attempt,uint8 party,address auditor)");

    function agreement(bytes32 domain, bytes32 specHash) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(AGREEMENT, specHash)));
    }

    function commitment(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        uint8 party,
        bytes32 input,
        bytes32 seed,
        bytes32 coin
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(COMMITMENT, specHash, attempt, party, input, seed, coin)));
    }

    function checkpoint(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        uint8 party,
        bytes32 commitments,
        bytes32 heads
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(CHECKPOINT, specHash, attempt, party, commitments, heads)));
    }

    function viewOf(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        uint8 party,
        bytes32 heads,
        bytes32 result
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(VIEW, specHash, attempt, party, heads, result)));
    }

    function close(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        bytes32 heads,
        bytes32 result
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(CLOSE, specHash, attempt, heads, result)));
    }

    function abort(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        uint8 party,
        bytes32 reason
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(ABORT, specHash, attempt, party, reason)));
    }

    function disclosure(
        bytes32 domain,
        bytes32 specHash,
        uint32 attempt,
        uint8 party,
        address auditor
    ) internal pure returns (bytes32) {
        return _digest(domain, keccak256(abi.encode(DISCLOSURE, specHash, attempt, party, auditor)));
    }

    function _digest(bytes32 domain, bytes32 structHash) private pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
