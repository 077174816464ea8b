// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ComputationRegistry} from "../src/ComputationRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// @dev Does anything, in any order, with valid signatures of some parties, and remembers who signed what.
contract Actor is Fixture {
    bytes32 public immutable id;
    uint32 public agreed;
    uint32 public committed;
    uint32 public aborted;
    bool public checkpointed;
    uint256 public successes;
    mapping(bytes32 closeDigest => uint32) public closed;
    ComputationRegistry.Facts private _before;

    constructor() {
        _deploy();
        id = registry.idOf(_plainJob());
    }

    function computations() external view returns (ComputationRegistry) {
        return registry;
    }

    function previous() external view returns (ComputationRegistry.Facts memory) {
        return _before;
    }

    modifier remembers() {
        _before = registry.factsOf(id);
        _;
        ++successes;
    }

    function propose(uint32 mask) external remembers {
        mask &= 7;
        registry.propose(_plainJob(), _agreements(_plainJob(), mask));
        agreed |= mask;
    }

    function commit(uint8 party) external remembers {
        party %= 3;
        _commit(_plainJob(), party);
        committed |= uint32(1) << party;
    }

    function start() external remembers {
        _start(_plainJob());
        checkpointed = true;
    }

    function close(uint32 mask, bool lie) external remembers {
        mask &= 7;
        bytes32 result = lie ? keccak256("lie") : keccak256("result");
        _close(_plainJob(), keccak256("heads"), result, mask);
        closed[_closeDigest(_plainJob(), keccak256("heads"), result)] |= mask;
    }

    function abort(uint8 party) external {
        // Rarely, or no run would get far.
        if (party >= 24) return;
        _remembersAbort(party % 3);
    }

    function _remembersAbort(uint8 party) private remembers {
        _abort(_plainJob(), party);
        aborted |= uint32(1) << party;
    }

    function wait(uint16 time) external {
        vm.warp(block.timestamp + time % 600);
    }
}

contract InvariantsTest {
    Actor private actor;

    function setUp() public {
        actor = new Actor();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function _facts() private view returns (ComputationRegistry.Facts memory) {
        return actor.computations().factsOf(actor.id());
    }

    /// No fact without the signature of the party that it names.
    function invariant_OnlyWhatWasSigned() public view {
        ComputationRegistry.Facts memory facts = _facts();
        require(facts.agreed & ~actor.agreed() == 0, "agreement");
        require(facts.committed & ~actor.committed() == 0, "commitment");
        require(!facts.started || actor.checkpointed(), "checkpoint");
        require(facts.abortedBy == 0 || actor.aborted() >> (facts.abortedBy - 1) & 1 == 1, "abort");
        require(facts.closed & ~actor.closed(actor.computations().closeOf(actor.id())) == 0, "close");
    }

    /// Facts accumulate; only a contested Close changes its signers.
    function invariant_FactsAccumulate() public view {
        (ComputationRegistry.Facts memory old, ComputationRegistry.Facts memory facts) = (actor.previous(), _facts());
        require(old.agreed & ~facts.agreed == 0 && old.committed & ~facts.committed == 0, "lost");
        require((!old.started || facts.started) && (!old.contested || facts.contested), "lost");
        require(old.abortedBy == 0 || old.abortedBy == facts.abortedBy, "abort replaced");
        require(old.parties == 0 || (old.parties == facts.parties && old.deadline == facts.deadline), "content changed");
        require(facts.contested || old.closed & ~facts.closed == 0, "close lost");
    }

    /// Each step of the order holds the one before.
    function invariant_Order() public view {
        ComputationRegistry.Facts memory facts = _facts();
        require(facts.committed == 0 || facts.agreed == 7, "committed before agreed");
        require(!facts.started || facts.committed == 7, "started before committed");
        require(facts.closed == 0 || facts.started, "closed before started");
        require((facts.closed == 0) == (actor.computations().closeOf(actor.id()) == 0), "close digest");
        require(!facts.contested || facts.closed != 0, "contested without a close");
    }
}
