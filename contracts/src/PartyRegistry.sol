// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Domain} from "./Domain.sol";

/// @title Which keys speak for which party, and when.
/// @notice A party id is an opaque bytes32; names stay off chain. A registrar admits parties, each party's controller
/// manages its keys. History is kept: a key is never deleted, its validity never starts in the past and can only be
/// shortened, so the answer to "was this key valid at time t" never changes for a t that has passed.
contract PartyRegistry is AccessControl, Domain {
    bytes32 public constant REGISTRAR = keccak256("REGISTRAR");

    /// Key algorithms. 1 and 2 are checked on chain; any other id is opaque here (docs/contracts.md lists them).
    uint16 public constant ECDSA_SECP256K1 = 1;
    uint16 public constant EIP1271_WALLET = 2;
    /// Key purposes. 1 signs events; any other is opaque here.
    uint8 public constant ATTEST = 1;

    struct Key {
        uint16 algorithm;
        /// Valid from `validFrom` up to, not including, `validUntil` (Unix seconds).
        uint64 validFrom;
        uint64 validUntil;
        uint64 addedAt;
    }

    struct KeyName {
        /// An address for algorithms 1 and 2, otherwise the fingerprint of the public key.
        bytes32 key;
        uint8 purpose;
    }

    mapping(bytes32 party => address) public controllerOf;
    mapping(bytes32 party => address) public pendingControllerOf;
    mapping(bytes32 party => KeyName[]) private _names;
    mapping(bytes32 keyId => Key) private _keys;

    event PartyRegistered(bytes32 indexed party, address indexed controller);
    event ControllerProposed(bytes32 indexed party, address indexed controller);
    event ControllerChanged(bytes32 indexed party, address indexed controller);
    event KeyAdded(
        bytes32 indexed party, bytes32 indexed key, uint8 purpose, uint16 algorithm, uint64 validFrom, uint64 validUntil
    );
    event KeyRevoked(bytes32 indexed party, bytes32 indexed key, uint8 purpose, uint64 validUntil);

    error ZeroParty();
    error ZeroController();
    error PartyExists(bytes32 party);
    error PartyUnknown(bytes32 party);
    error NotController(bytes32 party, address caller);
    error BadKey(bytes32 key, uint16 algorithm, uint8 purpose);
    error BadValidity(uint64 validFrom, uint64 validUntil);
    error KeyExists(bytes32 party, bytes32 key, uint8 purpose);
    error KeyUnknown(bytes32 party, bytes32 key, uint8 purpose);
    error KeyEnded(bytes32 party, bytes32 key, uint8 purpose, uint64 validUntil);

    constructor(bytes32 salt, uint256 ticksPerSecond, address admin) Domain(salt, ticksPerSecond) {
        if (admin == address(0)) revert ZeroController();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(REGISTRAR, admin);
    }

    function register(bytes32 party, address controller) external onlyRole(REGISTRAR) {
        if (party == 0) revert ZeroParty();
        if (controller == address(0)) revert ZeroController();
        if (controllerOf[party] != address(0)) revert PartyExists(party);
        controllerOf[party] = controller;
        emit PartyRegistered(party, controller);
    }

    function proposeController(bytes32 party, address controller) external {
        _onlyController(party);
        pendingControllerOf[party] = controller;
        emit ControllerProposed(party, controller);
    }

    function acceptController(bytes32 party) external {
        if (pendingControllerOf[party] != msg.sender) revert NotController(party, msg.sender);
        delete pendingControllerOf[party];
        controllerOf[party] = msg.sender;
        emit ControllerChanged(party, msg.sender);
    }

    /// @notice Add a key. A `validFrom` in the past is moved to the block time, so nobody can sign for yesterday.
    function addKey(
        bytes32 party,
        bytes32 key,
        uint8 purpose,
        uint16 algorithm,
        uint64 validFrom,
        uint64 validUntil
    ) external {
        _onlyController(party);
        bool onChain = algorithm == ECDSA_SECP256K1 || algorithm == EIP1271_WALLET;
        if (key == 0 || algorithm == 0 || purpose == 0 || (onChain && uint256(key) >> 160 != 0)) {
            revert BadKey(key, algorithm, purpose);
        }
        Key storage entry = _keys[_keyId(party, key, purpose)];
        if (entry.algorithm != 0) revert KeyExists(party, key, purpose);
        uint64 time = _now();
        if (validFrom < time) validFrom = time;
        if (validUntil <= validFrom) revert BadValidity(validFrom, validUntil);
        (entry.algorithm, entry.validFrom, entry.validUntil, entry.addedAt) = (algorithm, validFrom, validUntil, time);
        _names[party].push(KeyName(key, purpose));
        emit KeyAdded(party, key, purpose, algorithm, validFrom, validUntil);
    }

    /// @notice End a key's validity now. A key that has not begun ends before it begins.
    function revokeKey(bytes32 party, bytes32 key, uint8 purpose) external {
        if (!hasRole(REGISTRAR, msg.sender)) _onlyController(party);
        Key storage entry = _keys[_keyId(party, key, purpose)];
        if (entry.algorithm == 0) revert KeyUnknown(party, key, purpose);
        uint64 time = _now();
        if (entry.validUntil <= time) revert KeyEnded(party, key, purpose, entry.validUntil);
        entry.validUntil = time;
        emit KeyRevoked(party, key, purpose, time);
    }

    /// @return The algorithm of an attestation key that is valid now, or 0.
    function attestationAlgorithm(bytes32 party, address key) external view returns (uint16) {
        Key storage entry = _keys[_keyId(party, bytes32(uint256(uint160(key))), ATTEST)];
        uint64 time = _now();
        return entry.validFrom <= time && time < entry.validUntil ? entry.algorithm : 0;
    }

    function keyOf(bytes32 party, bytes32 key, uint8 purpose) external view returns (Key memory) {
        return _keys[_keyId(party, key, purpose)];
    }

    /// @return Whether the key was, is or (unless revoked) will be valid at `time` (Unix seconds).
    function validAt(bytes32 party, bytes32 key, uint8 purpose, uint64 time) external view returns (bool) {
        Key storage entry = _keys[_keyId(party, key, purpose)];
        return entry.validFrom <= time && time < entry.validUntil;
    }

    /// @notice All keys that a party ever had, in the order of their addition.
    function keysOf(bytes32 party) external view returns (KeyName[] memory names, Key[] memory keys) {
        names = _names[party];
        keys = new Key[](names.length);
        for (uint256 i = 0; i < names.length; ++i) keys[i] = _keys[_keyId(party, names[i].key, names[i].purpose)];
    }

    function _onlyController(bytes32 party) private view {
        address controller = controllerOf[party];
        if (controller == address(0)) revert PartyUnknown(party);
        if (controller != msg.sender) revert NotController(party, msg.sender);
    }

    function _keyId(bytes32 party, bytes32 key, uint8 purpose) private pure returns (bytes32) {
        return keccak256(abi.encode(party, key, purpose));
    }
}
