// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ComputationRegistry} from "../src/ComputationRegistry.sol";
import {Domain} from "../src/Domain.sol";
import {Events} from "../src/Events.sol";
import {Fixture} from "./Fixture.sol";

contract ComputationRegistryTest is Fixture {
    ComputationRegistry.Job private job;
    bytes32 private id;
    bytes32 private constant HEADS = keccak256("heads");
    bytes32 private constant RESULT = keccak256("result");

    function setUp() public {
        _deploy();
        job = _plainJob();
        id = registry.idOf(job);
    }

    function _wrong(ComputationRegistry.State state) private {
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.WrongState.selector, id, state));
    }

    function _already() private {
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.AlreadyRecorded.selector, id));
    }

    function _invalid(uint256 party) private {
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.InvalidSignature.selector, party));
    }

    // The way through, and k of n.

    function test_WholeWay() public {
        _is(id, ComputationRegistry.State.None);
        registry.propose(job, _agreements(job, 2));
        _is(id, ComputationRegistry.State.Proposed);
        registry.propose(job, _agreements(job, 5));
        _is(id, ComputationRegistry.State.Agreed);
        for (uint8 i = 0; i < 3; ++i) {
            _is(id, ComputationRegistry.State.Agreed);
            _commit(job, 2 - i);
        }
        _is(id, ComputationRegistry.State.InputsCommitted);
        _start(job);
        _is(id, ComputationRegistry.State.Running);
        _close(job, HEADS, RESULT, 7);
        _is(id, ComputationRegistry.State.Completed);
        _eq(registry.closeOf(id), _closeDigest(job, HEADS, RESULT), "close digest");
        _eq(registry.factsOf(id).closed, 7, "signers");
        require(!registry.factsOf(id).contested, "contested");
    }

    function test_MissingLastSignatureCompletesWithKOfN() public {
        _toRunning(job);
        _close(job, HEADS, RESULT, 5);
        _is(id, ComputationRegistry.State.Completed);
        _eq(registry.factsOf(id).closed, 5, "two of three");
        _close(job, HEADS, RESULT, 2);
        _eq(registry.factsOf(id).closed, 7, "three of three");
        _already();
        this.close(7, HEADS, RESULT);
    }

    function test_AnyAccountRelays() public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        vm.prank(address(0xBEEF));
        registry.propose(job, signed);
        _is(id, ComputationRegistry.State.Agreed);
    }

    // The id is content and domain, nothing else.

    function testFuzz_IdBindsContent(uint32 attempt, uint32 receivers, uint64 deadline, bytes32 specHash) public view {
        ComputationRegistry.Job memory other = _plainJob();
        (other.attempt, other.receivers, other.deadline, other.specHash) = (attempt, receivers, deadline, specHash);
        bool same = attempt == job.attempt && receivers == job.receivers && deadline == job.deadline
            && specHash == job.specHash;
        require((registry.idOf(other) == id) == same, "id");
    }

    function test_IdDoesNotDependOnTimeOrSender() public {
        vm.warp(START + 77);
        vm.prank(address(0xBEEF));
        _eq(registry.idOf(job), id, "id");
    }

    function test_SaltSeparatesDeployments() public {
        ComputationRegistry other = new ComputationRegistry(keccak256("another"), 1, parties);
        require(other.idOf(job) != id, "id");
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        _invalid(0);
        other.propose(job, signed);
    }

    function test_ZeroSaltIsRefused() public {
        vm.expectRevert(Domain.ZeroSalt.selector);
        new ComputationRegistry(0, 1, parties);
    }

    // Resubmission is a clear error, never a second effect.

    function test_ResubmissionIsRefused() public {
        registry.propose(job, _agreements(job, 7));
        ComputationRegistry.Cosignatures memory agreements = _agreements(job, 7);
        _already();
        registry.propose(job, agreements);
        _commit(job, 0);
        _already();
        this.commit(0);
        _commit(job, 1);
        _commit(job, 2);
        _start(job);
        _already();
        this.start();
        _abort(job, 1);
        _already();
        this.abort(1);
    }

    // Order of states.

    function test_WrongOrder() public {
        _wrong(ComputationRegistry.State.None);
        this.commit(0);
        _wrong(ComputationRegistry.State.None);
        this.start();
        _wrong(ComputationRegistry.State.None);
        this.close(7, HEADS, RESULT);
        _wrong(ComputationRegistry.State.None);
        this.abort(0);
        registry.propose(job, _agreements(job, 3));
        _wrong(ComputationRegistry.State.Proposed);
        this.commit(0);
        registry.propose(job, _agreements(job, 4));
        _commit(job, 0);
        _commit(job, 1);
        _wrong(ComputationRegistry.State.Agreed);
        this.start();
        _commit(job, 2);
        _wrong(ComputationRegistry.State.InputsCommitted);
        this.close(7, HEADS, RESULT);
    }

    function test_StartNeedsAllCheckpoints() public {
        registry.propose(job, _agreements(job, 7));
        for (uint8 i = 0; i < 3; ++i) _commit(job, i);
        (bytes32 commitments, bytes32[] memory heads, ComputationRegistry.Cosignatures memory signed) = _checkpoints(job);
        bytes[] memory two = new bytes[](2);
        (two[0], two[1]) = (signed.signatures[0], signed.signatures[1]);
        ComputationRegistry.Cosignatures memory fewer = ComputationRegistry.Cosignatures(3, new address[](2), two);
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.BadSigners.selector, uint32(3)));
        registry.start(job, commitments, heads, fewer);
        (heads[0], heads[1]) = (heads[1], heads[0]);
        _invalid(0);
        registry.start(job, commitments, heads, signed);
    }

    // Abort, deadlines, contested closes.

    function test_AbortInEveryStateBeforeCompleted() public {
        for (uint256 stage = 0; stage < 4; ++stage) {
            ComputationRegistry.Job memory mine = _plainJob();
            mine.specHash = keccak256(abi.encode(stage));
            registry.propose(mine, _agreements(mine, stage == 0 ? 1 : 7));
            if (stage >= 2) for (uint8 i = 0; i < 3; ++i) _commit(mine, i);
            if (stage == 3) _start(mine);
            _abort(mine, 2);
            _is(registry.idOf(mine), ComputationRegistry.State.Aborted);
            _eq(registry.factsOf(registry.idOf(mine)).abortedBy, 3, "who aborted");
        }
    }

    function test_AbortIsAnEndForAllButAContradictingClose() public {
        _toRunning(job);
        _abort(job, 1);
        _wrong(ComputationRegistry.State.Aborted);
        this.abort(0);
        _wrong(ComputationRegistry.State.Aborted);
        this.close(5, HEADS, RESULT);
        _close(job, HEADS, RESULT, 6);
        _is(id, ComputationRegistry.State.Completed);
        _eq(registry.factsOf(id).abortedBy, 2, "the abort stays visible");
    }

    function test_NoAbortAfterCompleted() public {
        _toRunning(job);
        _close(job, HEADS, RESULT, 1);
        _wrong(ComputationRegistry.State.Completed);
        this.abort(2);
    }

    function test_ProposalExpires() public {
        registry.propose(job, _agreements(job, 1));
        vm.warp(DEADLINE);
        _is(id, ComputationRegistry.State.Proposed);
        vm.warp(DEADLINE + 1);
        _is(id, ComputationRegistry.State.Failed);
        ComputationRegistry.Cosignatures memory one = _agreements(job, 2);
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.Expired.selector, id, DEADLINE));
        registry.propose(job, one);
    }

    function test_ChainThatWasDownStillTakesWhatAllSigned() public {
        vm.warp(DEADLINE + 1000);
        registry.propose(job, _agreements(job, 7));
        _is(id, ComputationRegistry.State.Failed);
        for (uint8 i = 0; i < 3; ++i) _commit(job, i);
        _start(job);
        _is(id, ComputationRegistry.State.Failed);
        _close(job, HEADS, RESULT, 7);
        _is(id, ComputationRegistry.State.Completed);
    }

    function test_NoDeadline() public {
        job.deadline = 0;
        registry.propose(job, _agreements(job, 1));
        vm.warp(type(uint64).max);
        _is(registry.idOf(job), ComputationRegistry.State.Proposed);
    }

    function test_CloseWithMoreSignaturesStandsAndContestIsVisible() public {
        _toRunning(job);
        bytes32 lie = keccak256("lie");
        _close(job, HEADS, lie, 1);
        _eq(registry.closeOf(id), _closeDigest(job, HEADS, lie), "first");
        _close(job, HEADS, RESULT, 6);
        _eq(registry.closeOf(id), _closeDigest(job, HEADS, RESULT), "more signatures");
        _eq(registry.factsOf(id).closed, 6, "its signers");
        require(registry.factsOf(id).contested, "contested");
        _close(job, HEADS, lie, 3);
        _eq(registry.closeOf(id), _closeDigest(job, HEADS, RESULT), "a tie changes nothing");
        _eq(registry.factsOf(id).closed, 6, "a tie changes no signers");
    }

    // Signatures.

    function test_DuplicateSigner() public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        signed.signatures[1] = signed.signatures[0];
        _invalid(1);
        registry.propose(job, signed);
        job.parties[1] = job.parties[0];
        vm.expectRevert(ComputationRegistry.BadParties.selector);
        registry.propose(job, signed);
    }

    function test_ReplayAcrossPartyAttemptAndEvent() public {
        registry.propose(job, _agreements(job, 7));
        bytes memory signature = _commitment(job, 0);
        _invalid(1);
        registry.commit(job, 1, _values(0), address(0), signature);
        ComputationRegistry.Job memory again = _plainJob();
        again.attempt = 1;
        registry.propose(again, _agreements(again, 7));
        _invalid(0);
        registry.commit(again, 0, _values(0), address(0), signature);
        signature = _sign(1, Events.agreement(domain, job.specHash));
        _invalid(0);
        registry.abort(job, 0, keccak256("reason"), address(0), signature);
    }

    function test_ViewIsNoCheckpointAndNoClose() public {
        registry.propose(job, _agreements(job, 7));
        for (uint8 i = 0; i < 3; ++i) _commit(job, i);
        (bytes32 commitments, bytes32[] memory heads, ComputationRegistry.Cosignatures memory signed) = _checkpoints(job);
        signed.signatures[0] = _sign(1, Events.viewOf(domain, job.specHash, job.attempt, 0, commitments, heads[0]));
        _invalid(0);
        registry.start(job, commitments, heads, signed);
    }

    function test_MalleableSignature() public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, Events.agreement(domain, job.specHash));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        signed.signatures[0] = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _invalid(0);
        registry.propose(job, signed);
        signed.signatures[0] = abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255)));
        _invalid(0);
        registry.propose(job, signed);
        signed.signatures[0] = "";
        _invalid(0);
        registry.propose(job, signed);
    }

    function test_WrongDomain() public {
        bytes32 elsewhere = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,bytes32 salt)"),
                keccak256("Tallystick"),
                keccak256("2"),
                SALT
            )
        );
        ComputationRegistry.Cosignatures memory signed = _cosign(1, Events.agreement(elsewhere, job.specHash));
        _invalid(0);
        registry.propose(job, signed);
    }

    function testFuzz_NonSigner(uint256 privateKey, uint8 party, bytes32 heads, bytes32 result) public {
        privateKey = privateKey % (type(uint128).max) + STRANGER;
        party = party % 3;
        _toRunning(job);
        ComputationRegistry.Cosignatures memory signed = _cosign(uint32(1) << party, _closeDigest(job, heads, result));
        signed.signatures[0] = _sign(privateKey, _closeDigest(job, heads, result));
        _invalid(party);
        registry.close(job, heads, result, signed);
    }

    function testFuzz_GarbageSignature(bytes calldata signature) public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        signed.signatures[0] = signature;
        _invalid(0);
        registry.propose(job, signed);
    }

    function testFuzz_MaskMustMatchSignatures(uint32 mask) public {
        vm.assume(mask != 1);
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        signed.signers = mask;
        try registry.propose(job, signed) {
            revert("accepted");
        } catch {}
        _is(id, ComputationRegistry.State.None);
    }

    function test_SurplusSignature() public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 3);
        signed.signers = 1;
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.BadSigners.selector, uint32(1)));
        registry.propose(job, signed);
    }

    // Content.

    function test_BadContent() public {
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        job.receivers = 8;
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.BadReceivers.selector, uint32(8)));
        registry.propose(job, signed);
        job.receivers = 1;
        job.parties[2] = 0;
        vm.expectRevert(ComputationRegistry.BadParties.selector);
        registry.propose(job, signed);
        job.parties[2] = bytes32(type(uint256).max);
        vm.expectRevert(ComputationRegistry.BadParties.selector);
        registry.propose(job, signed);
        job.parties = new bytes32[](33);
        vm.expectRevert(ComputationRegistry.BadParties.selector);
        registry.propose(job, signed);
        job.parties = new bytes32[](1);
        job.parties[0] = bytes32(uint256(1));
        vm.expectRevert(ComputationRegistry.BadParties.selector);
        registry.propose(job, signed);
    }

    function test_ThirtyTwoParties() public {
        ComputationRegistry.Job memory wide = _plainJob();
        wide.parties = new bytes32[](32);
        for (uint256 i = 0; i < 32; ++i) wide.parties[i] = bytes32(uint256(uint160(vm.addr(i + 1))));
        registry.propose(wide, _agreements(wide, type(uint32).max));
        _is(registry.idOf(wide), ComputationRegistry.State.Agreed);
    }

    function testFuzz_PartyOutOfRange(uint8 party) public {
        party = party % 253 + 3;
        registry.propose(job, _agreements(job, 7));
        _invalid(party);
        registry.commit(job, party, _values(0), address(0), "");
        _invalid(party);
        registry.abort(job, party, 0, address(0), "");
    }

    function test_MillisecondClock() public {
        ComputationRegistry slow = new ComputationRegistry(SALT, 1000, parties);
        vm.warp(uint256(DEADLINE) * 1000 + 999);
        slow.propose(job, _agreements(job, 1));
        require(slow.stateOf(id) == ComputationRegistry.State.Proposed, "deadlines are seconds");
        vm.warp(uint256(DEADLINE + 1) * 1000);
        require(slow.stateOf(id) == ComputationRegistry.State.Failed, "deadlines are seconds");
    }

    // External, so that expectRevert meets exactly one call.

    function commit(uint8 party) external {
        _commit(job, party);
    }

    function start() external {
        _start(job);
    }

    function close(uint32 mask, bytes32 heads, bytes32 result) external {
        _close(job, heads, result, mask);
    }

    function abort(uint8 party) external {
        _abort(job, party);
    }
}
