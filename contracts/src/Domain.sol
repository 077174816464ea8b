// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

/// @title The signature domain and the clock of one deployment.
/// @notice The EIP-712 domain is (name, version, salt) only. A chain id may be 0 on consortium chains, and a record must
/// verify where no chain is at hand, so the salt given to the constructor separates deployments. Contracts that serve
/// the same deployment are built with the same salt.
abstract contract Domain is IERC5267 {
    /// @dev Some consortium chains give block.timestamp in milliseconds.
    uint256 private immutable _ticksPerSecond;
    bytes32 public immutable domainSalt;
    bytes32 public immutable domainSeparator;

    error ZeroSalt();
    error ZeroTicks();

    constructor(bytes32 salt, uint256 ticksPerSecond) {
        if (salt == 0) revert ZeroSalt();
        if (ticksPerSecond == 0) revert ZeroTicks();
        domainSalt = salt;
        _ticksPerSecond = ticksPerSecond;
        domainSeparator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,bytes32 salt)"),
                keccak256("Tallystick"),
                keccak256("1"),
                salt
            )
        );
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"13", "Tallystick", "1", 0, address(0), domainSalt, new uint256[](0));
    }

    /// @return Block time in seconds, whatever the chain counts in.
    function _now() internal view returns (uint64) {
        return uint64(block.timestamp / _ticksPerSecond);
    }
}
