// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ComputationRegistry} from "../src/ComputationRegistry.sol";
import {Events} from "../src/Events.sol";
import {PartyRegistry} from "../src/PartyRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {Wallet} from "./Wallet.sol";

contract PartyRegistryTest is Fixture {
    address private constant CONTROLLER = address(0xC0);
    uint64 private constant FOREVER = type(uint64).max;
    bytes32 private constant BANK = keccak256("party 0");
    bytes32 private constant KEY = bytes32(uint256(0xA11CE));

    function setUp() public {
        _deploy();
        parties.register(BANK, CONTROLLER);
    }

    function _add(bytes32 party, bytes32 key, uint16 algorithm, uint64 from, uint64 until) private {
        vm.prank(CONTROLLER);
        parties.addKey(party, key, 1, algorithm, from, until);
    }

    /// @dev A job of three registered parties with keys 1 and 2 as plain keys and a wallet owned by key 3.
    function _registeredJob() private returns (ComputationRegistry.Job memory job, address wallet) {
        job = _plainJob();
        job.registered = true;
        job.parties[0] = BANK;
        for (uint256 i = 1; i < 3; ++i) {
            job.parties[i] = keccak256(abi.encode("party", i));
            parties.register(job.parties[i], CONTROLLER);
        }
        wallet = address(new Wallet(vm.addr(3)));
        _add(BANK, bytes32(uint256(uint160(vm.addr(1)))), 1, 0, FOREVER);
        _add(job.parties[1], bytes32(uint256(uint160(vm.addr(2)))), 1, 0, FOREVER);
        _add(job.parties[2], bytes32(uint256(uint160(wallet))), 2, 0, FOREVER);
    }

    function test_RegisteredPartiesAndWallet() public {
        (ComputationRegistry.Job memory job, address wallet) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        vm.expectRevert(
            abi.encodeWithSelector(ComputationRegistry.KeyNotValid.selector, uint256(2), signed.keys[2])
        );
        registry.propose(job, signed);
        signed.keys[2] = wallet;
        registry.propose(job, signed);
        _is(registry.idOf(job), ComputationRegistry.State.Agreed);
    }

    function test_WalletRefusesAStranger() public {
        (ComputationRegistry.Job memory job, address wallet) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        signed.keys[2] = wallet;
        signed.signatures[2] = _sign(STRANGER, Events.agreement(domain, job.specHash));
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.InvalidSignature.selector, uint256(2)));
        registry.propose(job, signed);
    }

    function test_KeyOfAnotherPartyIsNotValid() public {
        (ComputationRegistry.Job memory job, address wallet) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 7);
        (signed.keys[0], signed.keys[2]) = (signed.keys[1], wallet);
        vm.expectRevert(
            abi.encodeWithSelector(ComputationRegistry.KeyNotValid.selector, uint256(0), signed.keys[0])
        );
        registry.propose(job, signed);
    }

    function test_KeyOutOfDate() public {
        (ComputationRegistry.Job memory job,) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        vm.prank(CONTROLLER);
        parties.addKey(BANK, bytes32(uint256(uint160(vm.addr(9)))), 1, 1, START + 10, START + 20);
        signed.keys[0] = vm.addr(9);
        signed.signatures[0] = _sign(9, Events.agreement(domain, job.specHash));
        bytes memory refusal =
            abi.encodeWithSelector(ComputationRegistry.KeyNotValid.selector, uint256(0), signed.keys[0]);
        vm.warp(START + 9);
        vm.expectRevert(refusal);
        registry.propose(job, signed);
        vm.warp(START + 20);
        vm.expectRevert(refusal);
        registry.propose(job, signed);
        vm.warp(START + 19);
        registry.propose(job, signed);
    }

    function test_RevokedKey() public {
        (ComputationRegistry.Job memory job,) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        vm.warp(START + 5);
        vm.prank(CONTROLLER);
        parties.revokeKey(BANK, bytes32(uint256(uint160(signed.keys[0]))), 1);
        vm.expectRevert(
            abi.encodeWithSelector(ComputationRegistry.KeyNotValid.selector, uint256(0), signed.keys[0])
        );
        registry.propose(job, signed);
        require(parties.validAt(BANK, bytes32(uint256(uint160(signed.keys[0]))), 1, START + 4), "history kept");
    }

    function test_OtherPurposeOrAlgorithmDoesNotAttest() public {
        (ComputationRegistry.Job memory job,) = _registeredJob();
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        signed.signatures[0] = _sign(9, Events.agreement(domain, job.specHash));
        signed.keys[0] = vm.addr(9);
        bytes32 key = bytes32(uint256(uint160(vm.addr(9))));
        vm.prank(CONTROLLER);
        parties.addKey(BANK, key, 2, 1, 0, FOREVER);
        bytes memory refusal =
            abi.encodeWithSelector(ComputationRegistry.KeyNotValid.selector, uint256(0), signed.keys[0]);
        vm.expectRevert(refusal);
        registry.propose(job, signed);
        _add(BANK, key, 3, 0, FOREVER);
        vm.expectRevert(refusal);
        registry.propose(job, signed);
    }

    function test_PlainKeyIsNoWallet() public {
        ComputationRegistry.Job memory job = _plainJob();
        job.parties[0] = bytes32(uint256(uint160(address(new Wallet(vm.addr(1))))));
        ComputationRegistry.Cosignatures memory signed = _agreements(job, 1);
        vm.expectRevert(abi.encodeWithSelector(ComputationRegistry.InvalidSignature.selector, uint256(0)));
        registry.propose(job, signed);
    }

    // Roles and controllers.

    function test_OnlyRegistrarRegisters() public {
        bytes32 role = parties.REGISTRAR();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, CONTROLLER, role)
        );
        vm.prank(CONTROLLER);
        parties.register(keccak256("new"), CONTROLLER);
        parties.grantRole(role, CONTROLLER);
        vm.prank(CONTROLLER);
        parties.register(keccak256("new"), CONTROLLER);
    }

    function test_RegisterTwice() public {
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.PartyExists.selector, BANK));
        parties.register(BANK, address(1));
        vm.expectRevert(PartyRegistry.ZeroParty.selector);
        parties.register(0, address(1));
        vm.expectRevert(PartyRegistry.ZeroController.selector);
        parties.register(keccak256("new"), address(0));
    }

    function testFuzz_OnlyControllerAddsKeys(address caller) public {
        vm.assume(caller != CONTROLLER);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.NotController.selector, BANK, caller));
        vm.prank(caller);
        parties.addKey(BANK, KEY, 1, 1, 0, FOREVER);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.PartyUnknown.selector, bytes32(uint256(7))));
        vm.prank(caller);
        parties.addKey(bytes32(uint256(7)), KEY, 1, 1, 0, FOREVER);
    }

    function test_ControllerChangesInTwoSteps() public {
        vm.prank(CONTROLLER);
        parties.proposeController(BANK, address(0xC1));
        require(parties.controllerOf(BANK) == CONTROLLER, "not yet");
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.NotController.selector, BANK, address(0xC2)));
        vm.prank(address(0xC2));
        parties.acceptController(BANK);
        vm.prank(address(0xC1));
        parties.acceptController(BANK);
        require(parties.controllerOf(BANK) == address(0xC1), "changed");
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.NotController.selector, BANK, CONTROLLER));
        vm.prank(CONTROLLER);
        parties.addKey(BANK, KEY, 1, 1, 0, FOREVER);
    }

    // History.

    function testFuzz_ValidityNeverBeginsInThePast(uint64 from, uint64 until) public {
        until = until % (FOREVER - START - 1) + START + 1;
        from = from % until;
        _add(BANK, KEY, 1, from, until);
        PartyRegistry.Key memory key = parties.keyOf(BANK, KEY, 1);
        require(key.validFrom >= START && key.validFrom >= from && key.addedAt == START, "begins in the past");
        require(!parties.validAt(BANK, KEY, 1, START - 1), "valid before it was added");
        require(!parties.validAt(BANK, KEY, 1, until), "valid at its end");
    }

    function testFuzz_RevocationChangesNoPast(uint32 life, uint32 revoked, uint32 asked) public {
        uint64 until = START + 1 + life;
        _add(BANK, KEY, 1, START, until);
        uint64 time = START + revoked % (until - START);
        uint64 past = START + (time == START ? 0 : asked % (time - START));
        bool before = parties.validAt(BANK, KEY, 1, past);
        vm.warp(time);
        vm.prank(CONTROLLER);
        parties.revokeKey(BANK, KEY, 1);
        require(past == time || parties.validAt(BANK, KEY, 1, past) == before, "the past changed");
        require(!parties.validAt(BANK, KEY, 1, time), "still valid");
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.KeyEnded.selector, BANK, KEY, uint8(1), time));
        vm.prank(CONTROLLER);
        parties.revokeKey(BANK, KEY, 1);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.KeyExists.selector, BANK, KEY, uint8(1)));
        _add(BANK, KEY, 1, time, FOREVER);
    }

    function test_RegistrarMayRevokeNobodyElse() public {
        _add(BANK, KEY, 1, 0, FOREVER);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.NotController.selector, BANK, address(0xBAD)));
        vm.prank(address(0xBAD));
        parties.revokeKey(BANK, KEY, 1);
        parties.revokeKey(BANK, KEY, 1);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.KeyUnknown.selector, BANK, KEY, uint8(2)));
        parties.revokeKey(BANK, KEY, 2);
        (PartyRegistry.KeyName[] memory names, PartyRegistry.Key[] memory keys) = parties.keysOf(BANK);
        require(names.length == 1 && names[0].key == KEY && keys[0].validUntil == START, "history kept");
    }

    function test_BadKeys() public {
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.BadKey.selector, bytes32(0), uint16(1), uint8(1)));
        _add(BANK, 0, 1, 0, FOREVER);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.BadKey.selector, KEY, uint16(0), uint8(1)));
        _add(BANK, KEY, 0, 0, FOREVER);
        bytes32 wide = bytes32(uint256(1) << 160);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.BadKey.selector, wide, uint16(2), uint8(1)));
        _add(BANK, wide, 2, 0, FOREVER);
        _add(BANK, wide, 3, 0, FOREVER);
        vm.expectRevert(abi.encodeWithSelector(PartyRegistry.BadValidity.selector, START, START));
        _add(BANK, KEY, 1, 0, START);
    }
}
