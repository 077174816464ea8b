// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Domain} from "./Domain.sol";
import {Events} from "./Events.sol";
import {PartyRegistry} from "./PartyRegistry.sol";

/// @title What parties signed about a joint computation, and when the chain first saw it.
/// @notice Facts only accumulate; the state is read off them. Any account may submit: a fact counts because of the
/// signature in it, never because of the sender. One storage slot holds the facts, a second the digest of the Close;
/// everything else is in the id (re-supplied with every call) and in the logs.
contract ComputationRegistry is Domain {
    enum State {
        None,
        Proposed,
        Agreed,
        InputsCommitted,
        Running,
        Completed,
        Failed,
        Aborted
    }

    /// The content of the id.
    struct Job {
        bytes32 specHash;
        uint32 attempt;
        /// Parties are ids in the PartyRegistry (true) or the addresses of plain keys (false).
        bool registered;
        /// Bit i: party i receives the result.
        uint32 receivers;
        /// Unix seconds, 0 for none. See `propose` and `State.Failed`.
        uint64 deadline;
        bytes32[] parties;
    }

    /// Signatures of the parties whose bit is set, in ascending order of party; with registered parties also the key
    /// that made each.
    struct Cosignatures {
        uint32 signers;
        address[] keys;
        bytes[] signatures;
    }

    struct Committed {
        bytes32 input;
        bytes32 seed;
        bytes32 coin;
    }

    /// One slot. A mask has bit i for party i.
    struct Facts {
        uint8 parties;
        bool started;
        /// Two different Closes were signed.
        bool contested;
        /// 1 + index of the party whose Abort came first, or 0.
        uint8 abortedBy;
        uint32 agreed;
        uint32 committed;
        uint32 closed;
        uint64 deadline;
    }

    uint256 public constant MAX_PARTIES = 32;
    PartyRegistry public immutable partyRegistry;

    mapping(bytes32 id => Facts) private _facts;
    /// The EIP-712 digest of the Close that stands.
    mapping(bytes32 id => bytes32) public closeOf;

    event Proposed(
        bytes32 indexed id,
        bytes32 indexed specHash,
        uint32 attempt,
        bool registered,
        uint32 receivers,
        uint64 deadline,
        bytes32[] parties
    );
    event Agreed(bytes32 indexed id, uint32 signers);
    event InputCommitted(bytes32 indexed id, uint8 indexed party, bytes32 input, bytes32 seed, bytes32 coin);
    event Started(bytes32 indexed id, bytes32 commitments, bytes32[] heads);
    event Completed(bytes32 indexed id, bytes32 heads, bytes32 result, uint32 signers);
    /// A validly signed Close that lost against another with at least as many signatures, or was replaced.
    event Contested(bytes32 indexed id, bytes32 indexed closeDigest, uint32 signers);
    event Aborted(bytes32 indexed id, uint8 indexed party, bytes32 reason);

    error BadParties();
    error BadReceivers(uint32 receivers);
    error BadSigners(uint32 signers);
    error InvalidSignature(uint256 party);
    error KeyNotValid(uint256 party, address key);
    error WrongState(bytes32 id, State state);
    error Expired(bytes32 id, uint64 deadline);
    error AlreadyRecorded(bytes32 id);

    constructor(bytes32 salt, uint256 ticksPerSecond, PartyRegistry registry) Domain(salt, ticksPerSecond) {
        partyRegistry = registry;
    }

    /// @notice Record a proposal with the Agreements at hand, or add Agreements to one. After the deadline only a
    /// submission that brings the Agreement of *all* parties is taken: it records a fact, not a wish.
    function propose(Job calldata job, Cosignatures calldata agreements) external returns (bytes32 id) {
        id = idOf(job);
        Facts storage facts = _facts[id];
        uint32 before = facts.agreed;
        bool fresh = facts.parties == 0;
        if (fresh) {
            _checkContent(job);
        } else {
            if (facts.abortedBy != 0) revert WrongState(id, State.Aborted);
            if (agreements.signers & ~before == 0) revert AlreadyRecorded(id);
        }
        _checkAll(job, Events.agreement(domainSeparator, job.specHash), agreements);
        uint32 agreed = before | agreements.signers;
        if (_past(job.deadline) && agreed != _all(job.parties.length)) revert Expired(id, job.deadline);
        if (fresh) {
            facts.parties = uint8(job.parties.length);
            facts.deadline = job.deadline;
            emit Proposed(id, job.specHash, job.attempt, job.registered, job.receivers, job.deadline, job.parties);
        }
        facts.agreed = agreed;
        emit Agreed(id, agreed);
    }

    /// @notice Record one party's Commitment. It can never be replaced.
    function commit(
        Job calldata job,
        uint8 party,
        Committed calldata values,
        address key,
        bytes calldata signature
    ) external {
        bytes32 id = idOf(job);
        Facts storage facts = _facts[id];
        uint32 committed = facts.committed;
        if (party < job.parties.length && committed & _bit(party) != 0) revert AlreadyRecorded(id);
        _expect(id, facts, State.Agreed);
        bytes32 digest = Events.commitment(
            domainSeparator, job.specHash, job.attempt, party, values.input, values.seed, values.coin
        );
        _check(job, party, digest, key, signature);
        facts.committed = committed | _bit(party);
        emit InputCommitted(id, party, values.input, values.seed, values.coin);
    }

    /// @notice Record the Checkpoints of all parties: from here on, values may have been opened.
    /// @param heads Each party's own heads, in the order of the parties.
    function start(
        Job calldata job,
        bytes32 commitments,
        bytes32[] calldata heads,
        Cosignatures calldata checkpoints
    ) external {
        bytes32 id = idOf(job);
        Facts storage facts = _facts[id];
        if (facts.started) revert AlreadyRecorded(id);
        _expect(id, facts, State.InputsCommitted);
        uint256 n = job.parties.length;
        _checkShape(job, checkpoints);
        if (checkpoints.signers != _all(n) || heads.length != n) revert BadSigners(checkpoints.signers);
        for (uint256 i = 0; i < n; ++i) {
            bytes32 digest = Events.checkpoint(
                domainSeparator, job.specHash, job.attempt, uint8(i), commitments, heads[i]
            );
            _check(job, i, digest, job.registered ? checkpoints.keys[i] : address(0), checkpoints.signatures[i]);
        }
        facts.started = true;
        emit Started(id, commitments, heads);
    }

    /// @notice Record a Close with the signatures at hand, or add signatures to it. k of n signatures complete the
    /// computation and k stays visible. Of two different Closes the one with more signatures stands, and the
    /// computation is marked contested for good. A Close overrides an Abort only if the party that aborted signed it.
    function close(Job calldata job, bytes32 heads, bytes32 result, Cosignatures calldata signed) external {
        bytes32 id = idOf(job);
        Facts memory facts = _facts[id];
        uint32 signers = signed.signers;
        if (!facts.started) revert WrongState(id, _stateOf(facts));
        if (facts.closed == 0 && facts.abortedBy != 0 && signers & _bit(facts.abortedBy - 1) == 0) {
            revert WrongState(id, State.Aborted);
        }
        bytes32 digest = Events.close(domainSeparator, job.specHash, job.attempt, heads, result);
        bytes32 standing = closeOf[id];
        if (standing == digest && signers & ~facts.closed == 0) revert AlreadyRecorded(id);
        _checkAll(job, digest, signed);
        if (standing == digest) {
            signers |= facts.closed;
        } else if (facts.closed != 0) {
            facts.contested = true;
            bool replaces = _count(signers) > _count(facts.closed);
            emit Contested(id, replaces ? standing : digest, replaces ? facts.closed : signers);
            if (!replaces) {
                _facts[id] = facts;
                return;
            }
        }
        facts.closed = signers;
        _facts[id] = facts;
        if (standing != digest) closeOf[id] = digest;
        emit Completed(id, heads, result, signers);
    }

    /// @notice Record the Abort of one party, in any state before Completed.
    function abort(Job calldata job, uint8 party, bytes32 reason, address key, bytes calldata signature) external {
        bytes32 id = idOf(job);
        Facts storage facts = _facts[id];
        if (facts.abortedBy == uint256(party) + 1) revert AlreadyRecorded(id);
        if (facts.parties == 0 || facts.closed != 0 || facts.abortedBy != 0) revert WrongState(id, _stateOf(facts));
        _check(
            job, party, Events.abort(domainSeparator, job.specHash, job.attempt, party, reason), key, signature
        );
        facts.abortedBy = party + 1;
        emit Aborted(id, party, reason);
    }

    /// @notice The id is made of content and domain salt alone: the same job has the same id on every chain.
    function idOf(Job calldata job) public view returns (bytes32) {
        return keccak256(abi.encode(domainSalt, job));
    }

    /// @notice The state, by the facts at hand. Failed means that the deadline has passed and no end is on chain; it is
    /// the only end that later evidence still changes, because the chain, too, may have been down.
    function stateOf(bytes32 id) external view returns (State) {
        return _stateOf(_facts[id]);
    }

    function factsOf(bytes32 id) external view returns (Facts memory) {
        return _facts[id];
    }

    function _stateOf(Facts memory facts) private view returns (State) {
        if (facts.closed != 0) return State.Completed;
        if (facts.abortedBy != 0) return State.Aborted;
        State progress = _progressOf(facts);
        return progress != State.None && _past(facts.deadline) ? State.Failed : progress;
    }

    function _progressOf(Facts memory facts) private pure returns (State) {
        if (facts.parties == 0) return State.None;
        uint32 all = _all(facts.parties);
        if (facts.agreed != all) return State.Proposed;
        if (facts.committed != all) return State.Agreed;
        return facts.started ? State.Running : State.InputsCommitted;
    }

    function _expect(bytes32 id, Facts memory facts, State expected) private view {
        if (facts.abortedBy != 0 || facts.closed != 0 || _progressOf(facts) != expected) {
            revert WrongState(id, _stateOf(facts));
        }
    }

    function _past(uint64 deadline) private view returns (bool) {
        return deadline != 0 && _now() > deadline;
    }

    function _checkContent(Job calldata job) private pure {
        uint256 n = job.parties.length;
        if (n < 2 || n > MAX_PARTIES) revert BadParties();
        if (job.receivers & ~_all(n) != 0) revert BadReceivers(job.receivers);
        for (uint256 i = 0; i < n; ++i) {
            bytes32 party = job.parties[i];
            if (party == 0 || (!job.registered && uint256(party) >> 160 != 0)) revert BadParties();
            for (uint256 j = 0; j < i; ++j) if (job.parties[j] == party) revert BadParties();
        }
    }

    function _checkShape(Job calldata job, Cosignatures calldata signed) private pure {
        uint256 count = _count(signed.signers);
        if (
            count == 0 || signed.signers & ~_all(job.parties.length) != 0 || signed.signatures.length != count
                || (job.registered && signed.keys.length != count)
        ) revert BadSigners(signed.signers);
    }

    function _checkAll(Job calldata job, bytes32 digest, Cosignatures calldata signed) private view {
        _checkShape(job, signed);
        uint256 k = 0;
        for (uint256 i = 0; i < job.parties.length; ++i) {
            if (signed.signers & _bit(i) == 0) continue;
            _check(job, i, digest, job.registered ? signed.keys[k] : address(0), signed.signatures[k]);
            ++k;
        }
    }

    /// @dev ECDSA rejects high-s and 64-byte signatures, so there is one encoding of a signature.
    function _check(
        Job calldata job,
        uint256 party,
        bytes32 digest,
        address key,
        bytes calldata signature
    ) private view {
        if (party >= job.parties.length) revert InvalidSignature(party);
        uint16 algorithm = 0;
        if (job.registered) {
            algorithm = partyRegistry.attestationAlgorithm(job.parties[party], key);
            if (algorithm == 0) revert KeyNotValid(party, key);
        } else {
            key = address(uint160(uint256(job.parties[party])));
        }
        if (algorithm == 2) {
            if (!SignatureChecker.isValidERC1271SignatureNow(key, digest, signature)) revert InvalidSignature(party);
            return;
        }
        if (algorithm > 2) revert KeyNotValid(party, key);
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signature);
        if (failure != ECDSA.RecoverError.NoError || recovered != key) revert InvalidSignature(party);
    }

    function _bit(uint256 party) private pure returns (uint32) {
        return uint32(1) << uint32(party);
    }

    function _all(uint256 n) private pure returns (uint32) {
        return n >= MAX_PARTIES ? type(uint32).max : uint32((uint256(1) << n) - 1);
    }

    function _count(uint32 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }
}
