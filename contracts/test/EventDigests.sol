// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Domain} from "../src/Domain.sol";
import {Events} from "../src/Events.sol";

/// @dev Opens the library to the differential test.
contract EventDigests is Domain {
    constructor(bytes32 salt) Domain(salt, 1) {}

    function Agreement(bytes32 specHash) external view returns (bytes32) {
        return Events.agreement(domainSeparator, specHash);
    }

    function Commitment(bytes32 specHash, uint32 attempt, uint8 party, bytes32 input, bytes32 seed, bytes32 coin)
        external
        view
        returns (bytes32)
    {
        return Events.commitment(domainSeparator, specHash, attempt, party, input, seed, coin);
    }

    function Checkpoint(bytes32 specHash, uint32 attempt, uint8 party, bytes32 commitments, bytes32 heads)
        external
        view
        returns (bytes32)
    {
        return Events.checkpoint(domainSeparator, specHash, attempt, party, commitments, heads);
    }

    function View(bytes32 specHash, uint32 attempt, uint8 party, bytes32 heads, bytes32 result)
        external
        view
        returns (bytes32)
    {
        return Events.viewOf(domainSeparator, specHash, attempt, party, heads, result);
    }

    function Close(bytes32 specHash, uint32 attempt, bytes32 heads, bytes32 result) external view returns (bytes32) {
        return Events.close(domainSeparator, specHash, attempt, heads, result);
    }

    function Abort(bytes32 specHash, uint32 attempt, uint8 party, bytes32 reason) external view returns (bytes32) {
        return Events.abort(domainSeparator, specHash, attempt, party, reason);
    }

    function Disclosure(bytes32 specHash, uint32 attempt, uint8 party, address auditor)
        external
        view
        returns (bytes32)
    {
        return Events.disclosure(domainSeparator, specHash, attempt, party, auditor);
    }
}
