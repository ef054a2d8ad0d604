package io.turnstile.pipeline.flow;

/**
 * The typed errors of the OpenFlow specifications that this switch sends, by their spec names, with the type and code
 * of OpenFlow 1.0 and of 1.3 and later (OpenFlow 1.0.0 §5.4.4, 1.3.5 §7.4.4, 1.5.1 §7.5.4). A code of 256 and more
 * under 1.0 is one of Open vSwitch's Nicira vendor errors. -1: 1.0 has no such error, and "cannot be encoded" is sent
 * as Open vSwitch does. Type 0xffff under 1.3 is an error of Nicira's (OFPET_EXPERIMENTER), the code its number.
 */
public enum OfErrorCode {
    OFPBRC_BAD_VERSION(1, 0, 1, 0),
    OFPBRC_BAD_TYPE(1, 1, 1, 1),
    OFPBRC_BAD_STAT(1, 2, 1, 2),
    OFPBRC_BAD_VENDOR(1, 3, 1, 3),
    OFPBRC_BAD_SUBTYPE(1, 4, 1, 4),
    OFPBRC_EPERM(1, 5, 1, 5),
    OFPBRC_BAD_LEN(1, 6, 1, 6),
    NXBRC_MUST_BE_ZERO(1, 515, 0xffff, 4),
    OFPBRC_BUFFER_EMPTY(1, 7, 1, 7),
    OFPBRC_BUFFER_UNKNOWN(1, 8, 1, 8),
    OFPBRC_BAD_TABLE_ID(1, 512, 1, 9),
    OFPBRC_IS_SLAVE(-1, -1, 1, 10),
    OFPBRC_BAD_PORT(1, 514, 1, 11),
    OFPBRC_BAD_PACKET(-1, -1, 1, 12),
    OFPBAC_BAD_TYPE(2, 0, 2, 0),
    OFPBAC_BAD_LEN(2, 1, 2, 1),
    OFPBAC_BAD_VENDOR(2, 2, 2, 2),
    OFPBAC_BAD_VENDOR_TYPE(2, 3, 2, 3),
    OFPBAC_BAD_OUT_PORT(2, 4, 2, 4),
    OFPBAC_BAD_ARGUMENT(2, 5, 2, 5),
    OFPBAC_EPERM(2, 6, 2, 6),
    OFPBAC_TOO_MANY(2, 7, 2, 7),
    OFPBAC_BAD_OUT_GROUP(2, 9, 2, 9),
    OFPBAC_MATCH_INCONSISTENT(1, 522, 2, 10),
    OFPBAC_UNSUPPORTED_ORDER(-1, -1, 2, 11),
    OFPBAC_BAD_TAG(-1, -1, 2, 12),
    OFPBAC_BAD_SET_TYPE(1, 523, 2, 13),
    OFPBAC_BAD_SET_LEN(1, 524, 2, 14),
    OFPBAC_BAD_SET_ARGUMENT(1, 525, 2, 15),
    NXBAC_MUST_BE_ZERO(2, 256, 0xffff, 11),
    NXBAC_BAD_CONJUNCTION(2, 526, 0xffff, 15),
    OFPBIC_UNKNOWN_INST(-1, -1, 3, 0),
    OFPBIC_UNSUP_INST(2, 257, 3, 1),
    OFPBIC_BAD_TABLE_ID(-1, -1, 3, 2),
    OFPBIC_BAD_EXPERIMENTER(-1, -1, 3, 5),
    OFPBIC_BAD_LEN(-1, -1, 3, 7),
    OFPBIC_DUP_INST(-1, -1, 3, 9),
    OFPBMC_BAD_TYPE(-1, -1, 4, 0),
    OFPBMC_BAD_LEN(-1, -1, 4, 1),
    OFPBMC_BAD_WILDCARDS(1, 262, 4, 5),
    OFPBMC_BAD_FIELD(0, 263, 4, 6),
    OFPBMC_BAD_VALUE(1, 258, 4, 7),
    OFPBMC_BAD_MASK(1, 259, 4, 8),
    OFPBMC_BAD_PREREQ(1, 260, 4, 9),
    OFPBMC_DUP_FIELD(1, 261, 4, 10),
    OFPFMFC_TABLE_FULL(3, 0, 5, 1),
    OFPFMFC_BAD_TABLE_ID(-1, -1, 5, 2),
    OFPFMFC_OVERLAP(3, 1, 5, 3),
    OFPFMFC_EPERM(3, 2, 5, 4),
    OFPFMFC_BAD_TIMEOUT(3, 3, 5, 5),
    OFPFMFC_BAD_COMMAND(3, 4, 5, 6),
    OFPFMFC_BAD_FLAGS(3, 258, 5, 7),
    OFPPMFC_BAD_PORT(4, 0, 7, 0),
    OFPPMFC_BAD_HW_ADDR(4, 1, 7, 1),
    OFPPMFC_BAD_CONFIG(-1, -1, 7, 2),
    OFPQOFC_BAD_PORT(5, 0, 9, 0),
    OFPQOFC_BAD_QUEUE(5, 1, 9, 1),
    OFPSCFC_BAD_FLAGS(-1, -1, 10, 0),
    OFPSCFC_BAD_LEN(-1, -1, 10, 1),
    OFPRRFC_STALE(-1, -1, 11, 0),
    OFPRRFC_BAD_ROLE(1, 513, 11, 2),
    OFPBPC_BAD_TYPE(13, 2, 14, 0),
    OFPBPC_BAD_LEN(13, 3, 14, 1),
    OFPBPC_BAD_VALUE(13, 4, 14, 2),
    OFPBPC_BAD_EXPERIMENTER(14, 5, 14, 5),
    OFPBPC_BAD_EXP_TYPE(14, 6, 14, 6),
    OFPBFC_BAD_ID(-1, -1, 17, 2),
    OFPBFC_BUNDLE_EXIST(-1, -1, 17, 3),
    OFPBFC_BUNDLE_CLOSED(-1, -1, 17, 4),
    OFPBFC_OUT_OF_BUNDLES(-1, -1, 17, 5),
    OFPBFC_BAD_TYPE(-1, -1, 17, 6),
    OFPBFC_BAD_FLAGS(-1, -1, 17, 7),
    OFPBFC_MSG_BAD_LEN(-1, -1, 17, 8),
    OFPBFC_MSG_BAD_XID(-1, -1, 17, 9),
    OFPBFC_MSG_UNSUP(-1, -1, 17, 10),
    OFPBFC_MSG_TOO_MANY(-1, -1, 17, 12),
    OFPBFC_MSG_FAILED(-1, -1, 17, 13),
    OFPBFC_TIMEOUT(-1, -1, 17, 14),
    OFPBFC_BAD_VERSION(-1, -1, 0xffff, 22);

    private final int type10;
    private final int code10;
    private final int type13;
    private final int code13;

    OfErrorCode(int type10, int code10, int type13, int code13) {
        this.type10 = type10;
        this.code10 = code10;
        this.type13 = type13;
        this.code13 = code13;
    }

    public int type10() {
        return type10;
    }

    public int code10() {
        return code10;
    }

    public int type13() {
        return type13;
    }

    public int code13() {
        return code13;
    }
}
