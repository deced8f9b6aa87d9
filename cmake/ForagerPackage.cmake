# The Debian package, by CPack: `./dev package` makes it. What is installed where; how it behaves is in deploy/packages and deploy/systemd.
# Nothing here is read before a package is made, so that a tree without deploy/ (the image's build) configures as well.
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

install(TARGETS forager RUNTIME DESTINATION bin)
install(FILES deploy/systemd/forager.service DESTINATION lib/systemd/system)
install(FILES deploy/packages/forager.env DESTINATION /etc/forager PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(DIRECTORY DESTINATION /etc/forager/keys DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE)
install(FILES README.md docs/configuration.md docs/guarantees.md docs/troubleshooting.md docs/platforms/systemd.md DESTINATION share/doc/forager)
install(FILES deploy/packages/lintian-overrides DESTINATION share/lintian/overrides RENAME forager)
# Licences of all that is in the binary, changelogs, manual page, completions
install(CODE "execute_process(COMMAND sh ${CMAKE_SOURCE_DIR}/deploy/packages/documents.sh ${CMAKE_BINARY_DIR}
    \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share COMMAND_ERROR_IS_FATAL ANY)")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME forager)
set(CPACK_PACKAGE_CONTACT "The Forager developers <developers@forager.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "sidecar that carries OpenTelemetry")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Apps send OTLP to localhost and hold no key; Forager keeps on disk what it has
answered 200 to, batches it, adds the key and delivers it to Honeycomb, AWS
X-Ray, CloudWatch Logs, Rollbar or any OTLP backend, through outages and bad
data.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/packages/${script})
endforeach()
include(CPack)
