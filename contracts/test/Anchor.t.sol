// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Anchor} from "../src/Anchor.sol";
import {Fixture} from "./Fixture.sol";

contract AnchorTest is Fixture {
    Anchor private anchor;

    function setUp() public {
        vm.warp(START);
        anchor = new Anchor(SALT, 1);
    }

    function testFuzz_IncludedAfterAnchoring(bytes32 left, bytes32 right, bytes32 other) public {
        vm.assume(other != left && other != right);
        bytes32 root = Hashes.commutativeKeccak256(anchor.leafOf(left), anchor.leafOf(right));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = anchor.leafOf(right);
        _eq(anchor.includedAt(root, left, proof), 0, "not anchored");
        anchor.anchor(root);
        _eq(anchor.includedAt(root, left, proof), START, "anchored");
        _eq(anchor.includedAt(root, other, proof), 0, "not in the batch");
    }

    function test_InnerNodeIsNoLeaf(bytes32 left, bytes32 right) public {
        bytes32 root = Hashes.commutativeKeccak256(anchor.leafOf(left), anchor.leafOf(right));
        anchor.anchor(root);
        _eq(anchor.includedAt(root, root, new bytes32[](0)), 0, "the root is no digest");
    }

    function test_AnchorTwiceKeepsTheFirstTime() public {
        bytes32 root = keccak256("root");
        anchor.anchor(root);
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(Anchor.AlreadyAnchored.selector, root, START));
        anchor.anchor(root);
        _eq(anchor.anchoredAt(root), START, "first time");
        vm.expectRevert(Anchor.ZeroRoot.selector);
        anchor.anchor(0);
    }

    function test_SaltSeparatesDeployments(bytes32 digest) public {
        require(anchor.leafOf(digest) != new Anchor(keccak256("another"), 1).leafOf(digest), "leaf");
    }
}
