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

    /// What is in the slot of a computation. A mask has bit i for party i.
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

    // The slot, packed by hand (the compiler reads and writes a packed struct once a member): the offsets of the
    // members of Facts, with the number of parties in the lowest byte. An empty slot is 0, a used one never is.
    uint256 private constant STARTED = 1 << 8;
    uint256 private constant CONTESTED = 1 << 9;
    uint256 private constant ABORTED_BY = 16;
    uint256 private constant AGREED = 32;
    uint256 private constant COMMITTED = 64;
    uint256 private constant CLOSED = 96;
    uint256 private constant DEADLINE = 128;

    mapping(bytes32 id => uint256) private _facts;
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
        uint256 facts = _facts[id];
        if (facts == 0) {
            _checkContent(job.parties, job.registered, job.receivers);
            facts = job.parties.length | (uint256(job.deadline) << DEADLINE);
            emit Proposed(id, job.specHash, job.attempt, job.registered, job.receivers, job.deadline, job.parties);
        } else {
            if (_abortedBy(facts) != 0) revert WrongState(id, State.Aborted);
            if (agreements.signers & ~_mask(facts, AGREED) == 0) revert AlreadyRecorded(id);
        }
        _checkAll(job, Events.agreement(domainSeparator, job.specHash), agreements);
        facts |= uint256(agreements.signers) << AGREED;
        uint32 agreed = _mask(facts, AGREED);
        if (_past(job.deadline) && agreed != _all(job.parties.length)) revert Expired(id, job.deadline);
        _facts[id] = facts;
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
        uint256 facts = _facts[id];
        if (party < job.parties.length && _mask(facts, COMMITTED) & _bit(party) != 0) revert AlreadyRecorded(id);
        _expect(id, facts, State.Agreed);
        bytes32 digest = Events.commitment(
            domainSeparator, job.specHash, job.attempt, party, values.input, values.seed, values.coin
        );
        _check(job.registered, party, _partyAt(job.parties, party), digest, key, signature);
        _facts[id] = facts | (uint256(_bit(party)) << COMMITTED);
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
        uint256 facts = _facts[id];
        if (facts & STARTED != 0) revert AlreadyRecorded(id);
        _expect(id, facts, State.InputsCommitted);
        uint256 n = heads.length;
        _checkShape(n, job.registered, checkpoints);
        if (n != job.parties.length || checkpoints.signers != _all(n)) revert BadSigners(checkpoints.signers);
        for (uint256 i = 0; i < n; ++i) {
            bytes32 digest = Events.checkpoint(
                domainSeparator, job.specHash, job.attempt, uint8(i), commitments, heads[i]
            );
            address key = job.registered ? checkpoints.keys[i] : address(0);
            _check(job.registered, i, job.parties[i], digest, key, checkpoints.signatures[i]);
        }
        _facts[id] = facts | STARTED;
        emit Started(id, commitments, heads);
    }

    /// @notice Record a Close with the signatures at hand, or add signatures to it. k of n signatures complete the
    /// computation and k stays visible. Of two different Closes the one with more signatures stands, and the
    /// computation is marked contested for good. A Close overrides an Abort only if the party that aborted signed it.
    function close(Job calldata job, bytes32 heads, bytes32 result, Cosignatures calldata signed) external {
        bytes32 id = idOf(job);
        uint256 facts = _facts[id];
        uint32 signers = signed.signers;
        uint32 closed = _mask(facts, CLOSED);
        if (facts & STARTED == 0) revert WrongState(id, _stateOf(facts));
        if (closed == 0 && _abortedBy(facts) != 0 && signers & _bit(_abortedBy(facts) - 1) == 0) {
            revert WrongState(id, State.Aborted);
        }
        bytes32 digest = Events.close(domainSeparator, job.specHash, job.attempt, heads, result);
        bytes32 standing = closeOf[id];
        if (standing == digest && signers & ~closed == 0) revert AlreadyRecorded(id);
        _checkAll(job, digest, signed);
        if (standing == digest) {
            signers |= closed;
        } else {
            if (closed != 0) {
                facts |= CONTESTED;
                bool replaces = _count(signers) > _count(closed);
                emit Contested(id, replaces ? standing : digest, replaces ? closed : signers);
                if (!replaces) {
                    _facts[id] = facts;
                    return;
                }
                facts ^= uint256(closed) << CLOSED;
            }
            closeOf[id] = digest;
        }
        _facts[id] = facts | (uint256(signers) << CLOSED);
        emit Completed(id, heads, result, signers);
    }

    /// @notice Record the Abort of one party, in any state before Completed.
    function abort(Job calldata job, uint8 party, bytes32 reason, address key, bytes calldata signature) external {
        bytes32 id = idOf(job);
        uint256 facts = _facts[id];
        uint256 abortedBy = _abortedBy(facts);
        if (abortedBy == uint256(party) + 1) revert AlreadyRecorded(id);
        if (facts == 0 || _mask(facts, CLOSED) != 0 || abortedBy != 0) revert WrongState(id, _stateOf(facts));
        bytes32 digest = Events.abort(domainSeparator, job.specHash, job.attempt, party, reason);
        _check(job.registered, party, _partyAt(job.parties, party), digest, key, signature);
        _facts[id] = facts | ((uint256(party) + 1) << ABORTED_BY);
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
        uint256 facts = _facts[id];
        return Facts({
            parties: uint8(facts),
            started: facts & STARTED != 0,
            contested: facts & CONTESTED != 0,
            abortedBy: uint8(_abortedBy(facts)),
            agreed: _mask(facts, AGREED),
            committed: _mask(facts, COMMITTED),
            closed: _mask(facts, CLOSED),
            deadline: uint64(facts >> DEADLINE)
        });
    }

    function _stateOf(uint256 facts) private view returns (State) {
        if (_mask(facts, CLOSED) != 0) return State.Completed;
        if (_abortedBy(facts) != 0) return State.Aborted;
        State progress = _progressOf(facts);
        return progress != State.None && _past(uint64(facts >> DEADLINE)) ? State.Failed : progress;
    }

    function _progressOf(uint256 facts) private pure returns (State) {
        if (facts == 0) return State.None;
        uint32 all = _all(uint8(facts));
        if (_mask(facts, AGREED) != all) return State.Proposed;
        if (_mask(facts, COMMITTED) != all) return State.Agreed;
        return facts & STARTED != 0 ? State.Running : State.InputsCommitted;
    }

    function _expect(bytes32 id, uint256 facts, State expected) private view {
        if (_abortedBy(facts) != 0 || _mask(facts, CLOSED) != 0 || _progressOf(facts) != expected) {
            revert WrongState(id, _stateOf(facts));
        }
    }

    function _mask(uint256 facts, uint256 offset) private pure returns (uint32) {
        return uint32(facts >> offset);
    }

    function _abortedBy(uint256 facts) private pure returns (uint256) {
        return uint8(facts >> ABORTED_BY);
    }

    function _past(uint64 deadline) private view returns (bool) {
        return deadline != 0 && _now() > deadline;
    }

    function _checkContent(bytes32[] calldata parties, bool registered, uint32 receivers) private pure {
        uint256 n = parties.length;
        if (n < 2 || n > MAX_PARTIES) revert BadParties();
        if (receivers & ~_all(n) != 0) revert BadReceivers(receivers);
        for (uint256 i = 0; i < n; ++i) {
            bytes32 party = parties[i];
            if (party == 0 || (!registered && uint256(party) >> 160 != 0)) revert BadParties();
            for (uint256 j = 0; j < i; ++j) if (parties[j] == party) revert BadParties();
        }
    }

    function _checkShape(uint256 parties, bool registered, Cosignatures calldata signed) private pure {
        uint32 signers = signed.signers;
        uint256 count = _count(signers);
        if (
            count == 0 || signers & ~_all(parties) != 0 || signed.signatures.length != count
                || (registered && signed.keys.length != count)
        ) revert BadSigners(signers);
    }

    function _checkAll(Job calldata job, bytes32 digest, Cosignatures calldata signed) private view {
        bytes32[] calldata parties = job.parties;
        bool registered = job.registered;
        _checkShape(parties.length, registered, signed);
        bytes[] calldata signatures = signed.signatures;
        uint256 k = 0;
        for (uint256 signers = signed.signers; signers != 0; signers &= signers - 1) {
            uint256 party = _lowest(signers);
            address key = registered ? signed.keys[k] : address(0);
            _check(registered, party, parties[party], digest, key, signatures[k++]);
        }
    }

    /// @dev ECDSA rejects high-s and 64-byte signatures, so there is one encoding of a signature.
    function _check(
        bool registered,
        uint256 party,
        bytes32 partyId,
        bytes32 digest,
        address key,
        bytes calldata signature
    ) private view {
        if (registered) {
            uint16 algorithm = partyRegistry.attestationAlgorithm(partyId, key);
            if (algorithm == 2) {
                if (SignatureChecker.isValidERC1271SignatureNow(key, digest, signature)) return;
                revert InvalidSignature(party);
            }
            if (algorithm != 1) revert KeyNotValid(party, key);
        } else {
            key = address(uint160(uint256(partyId)));
        }
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signature);
        if (failure != ECDSA.RecoverError.NoError || recovered != key) revert InvalidSignature(party);
    }

    function _partyAt(bytes32[] calldata parties, uint256 party) private pure returns (bytes32) {
        if (party >= parties.length) revert InvalidSignature(party);
        return parties[party];
    }

    /// @dev Index of the lowest bit of a mask that has one.
    function _lowest(uint256 mask) private pure returns (uint256 index) {
        while (mask >> index & 1 == 0) ++index;
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
