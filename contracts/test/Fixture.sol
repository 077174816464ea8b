// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ComputationRegistry} from "../src/ComputationRegistry.sol";
import {Events} from "../src/Events.sol";
import {PartyRegistry} from "../src/PartyRegistry.sol";

interface Vm {
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 privateKey) external pure returns (address);
    function prank(address sender) external;
    function warp(uint256 time) external;
    function expectRevert(bytes calldata data) external;
    function expectRevert(bytes4 selector) external;
    function assume(bool condition) external pure;
    function load(address target, bytes32 slot) external view returns (bytes32);
}

/// @dev Keys 1, 2 and 3 speak for parties 0, 1 and 2; key 4 is a stranger's.
abstract contract Fixture {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 internal constant SALT = keccak256("a deployment");
    uint256 internal constant STRANGER = 4;
    uint64 internal constant START = 1_000_000;
    uint64 internal constant DEADLINE = START + 3600;

    PartyRegistry internal parties;
    ComputationRegistry internal registry;
    bytes32 internal domain;

    function _deploy() internal {
        vm.warp(START);
        parties = new PartyRegistry(SALT, 1, address(this));
        registry = new ComputationRegistry(SALT, 1, parties);
        domain = registry.domainSeparator();
    }

    function _plainJob() internal pure returns (ComputationRegistry.Job memory job) {
        job = ComputationRegistry.Job(keccak256("terms"), 0, false, 5, DEADLINE, new bytes32[](3));
        for (uint256 i = 0; i < 3; ++i) job.parties[i] = bytes32(uint256(uint160(vm.addr(i + 1))));
    }

    function _sign(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Signatures of the parties in `mask` over one digest; `keys` are ignored for plain jobs.
    function _cosign(uint32 mask, bytes32 digest) internal pure returns (ComputationRegistry.Cosignatures memory signed) {
        uint256 count = 0;
        for (uint256 i = 0; i < 32; ++i) if (mask >> i & 1 != 0) ++count;
        signed = ComputationRegistry.Cosignatures(mask, new address[](count), new bytes[](count));
        uint256 k = 0;
        for (uint256 i = 0; i < 32; ++i) {
            if (mask >> i & 1 == 0) continue;
            signed.keys[k] = vm.addr(i + 1);
            signed.signatures[k] = _sign(i + 1, digest);
            ++k;
        }
    }

    function _agreements(ComputationRegistry.Job memory job, uint32 mask)
        internal
        view
        returns (ComputationRegistry.Cosignatures memory)
    {
        return _cosign(mask, Events.agreement(domain, job.specHash));
    }

    function _values(uint8 party) internal pure returns (ComputationRegistry.Committed memory) {
        return ComputationRegistry.Committed(
            keccak256(abi.encode("input", party)), keccak256(abi.encode("seed", party)), keccak256(abi.encode("coin", party))
        );
    }

    function _commitment(ComputationRegistry.Job memory job, uint8 party) internal view returns (bytes memory) {
        ComputationRegistry.Committed memory values = _values(party);
        return _sign(
            uint256(party) + 1,
            Events.commitment(domain, job.specHash, job.attempt, party, values.input, values.seed, values.coin)
        );
    }

    function _commit(ComputationRegistry.Job memory job, uint8 party) internal {
        registry.commit(job, party, _values(party), vm.addr(uint256(party) + 1), _commitment(job, party));
    }

    function _checkpoints(ComputationRegistry.Job memory job)
        internal
        view
        returns (bytes32 commitments, bytes32[] memory heads, ComputationRegistry.Cosignatures memory signed)
    {
        commitments = keccak256("commitments");
        heads = new bytes32[](3);
        signed = ComputationRegistry.Cosignatures(7, new address[](3), new bytes[](3));
        for (uint8 i = 0; i < 3; ++i) {
            heads[i] = keccak256(abi.encode("heads", i));
            signed.keys[i] = vm.addr(uint256(i) + 1);
            signed.signatures[i] = _sign(
                uint256(i) + 1,
                Events.checkpoint(domain, job.specHash, job.attempt, i, commitments, heads[i])
            );
        }
    }

    function _start(ComputationRegistry.Job memory job) internal {
        (bytes32 commitments, bytes32[] memory heads, ComputationRegistry.Cosignatures memory signed) = _checkpoints(job);
        registry.start(job, commitments, heads, signed);
    }

    function _closeDigest(ComputationRegistry.Job memory job, bytes32 heads, bytes32 result)
        internal
        view
        returns (bytes32)
    {
        return Events.close(domain, job.specHash, job.attempt, heads, result);
    }

    function _close(ComputationRegistry.Job memory job, bytes32 heads, bytes32 result, uint32 mask) internal {
        registry.close(job, heads, result, _cosign(mask, _closeDigest(job, heads, result)));
    }

    function _abort(ComputationRegistry.Job memory job, uint8 party) internal {
        bytes32 reason = keccak256("session/aborted");
        registry.abort(
            job,
            party,
            reason,
            vm.addr(uint256(party) + 1),
            _sign(uint256(party) + 1, Events.abort(domain, job.specHash, job.attempt, party, reason))
        );
    }

    function _toRunning(ComputationRegistry.Job memory job) internal {
        registry.propose(job, _agreements(job, 7));
        for (uint8 i = 0; i < 3; ++i) _commit(job, i);
        _start(job);
    }

    function _eq(bytes32 actual, bytes32 expected, string memory what) internal pure {
        require(actual == expected, what);
    }

    function _eq(uint256 actual, uint256 expected, string memory what) internal pure {
        require(actual == expected, what);
    }

    function _is(bytes32 id, ComputationRegistry.State expected) internal view {
        require(registry.stateOf(id) == expected, "state");
    }
}
