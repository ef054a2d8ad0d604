package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrtollNumberTest {
    @ParameterizedTest
    @CsvSource({
        "17, 17, ''",
        "0x1F, 31, ''",
        "010, 8, ''",
        "08, 0, 8",
        "0x, 0, x",
        "+7, 7, ''",
        "-7, -7, ''",
        "5abc, 5, abc",
        "' 5/6', 5, /6",
        "0, 0, ''"
    })
    void textIsReadAsByStrtoll(String text, long value, String rest) {
        StrtollNumber number = StrtollNumber.scan(text);
        assertThat(number.value().longValueExact()).isEqualTo(value);
        assertThat(number.rest()).isEqualTo(rest);
    }

    @Test
    void thereMayBeNoNumber() {
        assertThat(StrtollNumber.scan("")).isNull();
        assertThat(StrtollNumber.scan("x5")).isNull();
        assertThat(StrtollNumber.scan("- 5")).isNull();
    }

    @Test
    void unsignedNumbersHaveToFit() {
        assertThat(StrtollNumber.unsigned("65535", 16).longValue()).isEqualTo(65535L);
        assertThat(StrtollNumber.unsigned("65536", 16)).isNull();
        assertThat(StrtollNumber.unsigned("-1", 16)).isNull();
        assertThat(StrtollNumber.unsigned("1x", 16)).isNull();
        assertThat(StrtollNumber.unsigned("0xffffffff", 32).longValue()).isEqualTo(0xffff_ffffL);
    }
}
