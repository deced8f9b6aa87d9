forager_unit_test(doctor LINK forager_doctor)
