// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Domain} from "./Domain.sol";

/// @title Merkle roots of batches of digests, each with the time of its first anchoring.
/// @notice Anyone may anchor any root: an anchor says that the digests existed at that time, not who made them. The
/// content is its own id, so repeating an anchor changes nothing and says so.
contract Anchor is Domain {
    mapping(bytes32 root => uint64) public anchoredAt;

    event Anchored(bytes32 indexed root);

    error ZeroRoot();
    error AlreadyAnchored(bytes32 root, uint64 time);

    constructor(bytes32 salt, uint256 ticksPerSecond) Domain(salt, ticksPerSecond) {}

    function anchor(bytes32 root) external {
        if (root == 0) revert ZeroRoot();
        uint64 time = anchoredAt[root];
        if (time != 0) revert AlreadyAnchored(root, time);
        anchoredAt[root] = _now();
        emit Anchored(root);
    }

    /// @notice A leaf is hashed twice, so that no inner node passes for a leaf, and bound to this deployment.
    function leafOf(bytes32 digest) public view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(domainSalt, digest))));
    }

    /// @return The time at which a batch holding `digest` was anchored, or 0. Pairs are hashed in sorted order.
    function includedAt(bytes32 root, bytes32 digest, bytes32[] calldata proof) external view returns (uint64) {
        return MerkleProof.verifyCalldata(proof, root, leafOf(digest)) ? anchoredAt[root] : 0;
    }
}
