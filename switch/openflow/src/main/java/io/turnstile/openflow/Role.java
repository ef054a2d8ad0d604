package io.turnstile.openflow;

import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** A connection's role (OpenFlow 1.3.5 §6.3.6); equal is called other where Open vSwitch names roles. */
enum Role {
    EQUAL("other", 1, 0),
    MASTER("master", 2, 1),
    SLAVE("slave", 3, 2);

    private final String label;
    private final int code;
    private final int niciraCode;

    Role(String label, int code, int niciraCode) {
        this.label = label;
        this.code = code;
        this.niciraCode = niciraCode;
    }

    /** The role of NXT_ROLE_REQUEST. */
    static Role ofNiciraCode(int code) throws OfException {
        for (Role role : values()) {
            if (role.niciraCode == code) {
                return role;
            }
        }
        throw new OfException(OfErrorCode.OFPRRFC_BAD_ROLE, "role " + code);
    }

    String label() {
        return label;
    }

    /** OFPCR_ROLE_*. */
    int code() {
        return code;
    }

    /** NX_ROLE_*. */
    int niciraCode() {
        return niciraCode;
    }
}
