/* SPDX-License-Identifier: Apache-2.0 */
/* The entry point of the link checks (cmake/house.cmake): they only have to link. */
int main(void)
{
    return 0;
}
